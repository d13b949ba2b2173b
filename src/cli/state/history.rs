//! `infra state history`: the versions that are kept, and who left each.

use std::collections::BTreeMap;

use serde_json::json;

use crate::cli::args::Format;
use crate::cli::call::Call;
use crate::cli::connect;
use crate::cli::exit::Ended;
use crate::cli::ledger;
use crate::cli::stack::Stack;
use crate::report::style::table;
use crate::report::{runs, time};
use crate::state::State;
use crate::state::ledger::RunRecord;
use crate::store::{Store, StoreError, Version};

/// How many runs are looked through for those that left a version.
const RUNS_MAX: usize = 100;

/// The version that is meant by a serial or by its id.
pub async fn find(store: &dyn Store, text: &str) -> Result<Version, StoreError> {
    let serial = text.parse().ok();
    let mut all = store.history().await?.into_iter();
    let found = all.find(|it| it.id == text || Some(it.serial) == serial);
    found.ok_or_else(|| StoreError::NoVersion { place: store.place(), id: text.to_owned() })
}

pub async fn print(call: &Call, stack: &Stack, store: &dyn Store, state: Option<&State>) -> Ended<()> {
    let refused = |it| connect::refused(call, stack, &it);
    let versions = store.history().await.map_err(refused)?;
    let runs = ledger::recent(store, RUNS_MAX).await.map_err(refused)?;
    // The newest of equals: a serial that was written again after a push.
    let by_serial: BTreeMap<u64, &RunRecord> = runs.iter().rev().filter_map(|it| Some((it.serial?, it))).collect();
    if call.format == Format::Json {
        let one = |serial: u64, version: Option<&Version>| {
            let run = by_serial.get(&serial);
            json!({
                "version": version.map(|it| &it.id),
                "serial": serial,
                "current": version.is_none(),
                "at": version.map(|it| it.at),
                "bytes": version.map(|it| it.size),
                "run": run.map(|it| &it.run),
                "command": run.map(|it| &it.command),
                "result": run.and_then(|it| it.result),
                "by": run.map(|it| &it.by),
                "commit": run.and_then(|it| it.commit.as_ref()),
            })
        };
        let current = state.map(|it| one(it.serial, None));
        let all: Vec<_> = current.into_iter().chain(versions.iter().map(|it| one(it.serial, Some(it)))).collect();
        call.print_json(&json!({ "format_version": 1, "stack": stack.name, "versions": all }));
        return Ok(());
    }
    let Some(state) = state else {
        call.print(&format!("`{}` has no state yet.\n", stack.name));
        return Ok(());
    };
    let mut rows = vec![["serial", "version", "written", "left by"].map(str::to_owned)];
    let left_by = |serial: u64| by_serial.get(&serial).map(|it| runs::brief(it)).unwrap_or_default();
    rows.push([state.serial.to_string(), "(now)".to_owned(), String::new(), left_by(state.serial)]);
    rows.extend(versions.iter().map(|it| [it.serial.to_string(), it.id.clone(), time::point(it.at), left_by(it.serial)]));
    call.print(&table(&rows));
    Ok(())
}
