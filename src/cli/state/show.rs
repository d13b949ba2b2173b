//! What a state has on record, printed.

use serde_json::json;

use crate::address::Address;
use crate::cli::args::Format;
use crate::cli::call::Call;
use crate::report::json::shown_value;
use crate::report::style::{Line, Tone, columns, pad, render};
use crate::report::value;
use crate::state::{Record, State};
use crate::value::Value;

pub fn list(call: &Call, stack: &str, state: Option<&State>) {
    let resources = state.map(|it| &it.resources);
    if call.format == Format::Json {
        let all = resources.into_iter().flatten().map(|(address, it)| {
            json!({
                "address": address,
                "type": address.type_name(),
                "id": it.id,
                "unfinished": it.unfinished,
                "deposed": it.deposed.iter().map(|it| &it.id).collect::<Vec<_>>(),
            })
        });
        let all: Vec<_> = all.collect();
        let serial = state.map_or(0, |it| it.serial);
        return call.print_json(&json!({ "format_version": 1, "stack": stack, "serial": serial, "resources": all }));
    }
    let widest = resources.into_iter().flatten().map(|(address, _)| columns(&address.to_string())).max().unwrap_or(0);
    for (address, it) in resources.into_iter().flatten() {
        let mut line = format!("{}  {}", pad(&address.to_string(), widest), it.id);
        if it.unfinished {
            line.push_str("  (unfinished)");
        }
        for old in &it.deposed {
            line.push_str(&format!("  (replaced, not yet deleted: {})", old.id));
        }
        call.print(&format!("{line}\n"));
    }
}

pub fn one(call: &Call, address: &Address, it: &Record) {
    if call.format == Format::Json {
        return call.print_json(&json!({
            "format_version": 1,
            "address": address,
            "type": address.type_name(),
            "id": it.id,
            "aws": it.config,
            "unfinished": it.unfinished,
            "lifecycle": it.lifecycle,
            "dependencies": it.dependencies,
            "applied": shown_value(&it.applied, false),
            "outputs": shown_value(&it.outputs, false),
        }));
    }
    let style = call.out_style();
    let mut lines = vec![Line::new(0).and(Tone::Strong, address.to_string()).and(Tone::Faint, format!("  {}", it.id))];
    let mut part = |title: &str, of: &Value| {
        let members: Vec<_> = of.members().into_iter().flatten().filter(|(_, it)| !it.is_null()).collect();
        if members.is_empty() {
            return;
        }
        lines.push(Line::default());
        lines.push(Line::new(0).and(Tone::Note, title));
        let widest = members.iter().map(|(name, _)| columns(name)).max().unwrap_or(0);
        for (name, it) in members {
            let mut shown = value::block(it, style.width.saturating_sub(widest + 5)).into_iter();
            lines.push(Line::new(2).plain(format!("{} = {}", pad(name, widest), shown.next().unwrap_or_default())));
            lines.extend(shown.map(|line| Line::new(2).plain(line)));
        }
    };
    part("applied", &it.applied);
    part("outputs", &it.outputs);
    if !it.dependencies.is_empty() {
        lines.push(Line::default());
        lines.push(Line::new(0).and(Tone::Note, "after"));
        lines.extend(it.dependencies.iter().map(|it| Line::new(2).plain(it.to_string())));
    }
    call.print(&render(&lines, style));
}
