//! `infra schema [TYPE]`

use serde_json::{Map, Value as Json, json};

use super::args::Format;
use super::call::Call;
use super::exit::{Ended, Exit, Stop};
use crate::catalog::Catalog;
use crate::diag::{Diagnostic, nearest};
use crate::report::schema;
use crate::report::style::{columns, pad};
use crate::resource::{Driver, Kind};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A resource type or data source, such as aws_vpc; all of them when left out
    #[arg(value_name = "TYPE")]
    pub type_name: Option<String>,
}

pub fn run(call: &Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let catalog = Catalog::new();
    match args.type_name {
        Some(name) => one(call, &catalog, &name)?,
        None => all(call, &catalog),
    }
    Ok(Exit::Done)
}

fn one(call: &Call, catalog: &Catalog, name: &str) -> Ended<()> {
    let short = name.strip_prefix("data.").unwrap_or(name);
    let found: Vec<&Kind> = catalog.kinds().filter(|it| &*it.schema.type_name == short).collect();
    let of_data = |it: &&Kind| matches!(it.driver, Driver::Data(_));
    // A type may be both; `data.` says which.
    let kind = if short == name { found.first() } else { found.iter().find(|it| of_data(it)) };
    let Some(kind) = kind else {
        let names: Vec<&str> = catalog.kinds().map(|it| &*it.schema.type_name).collect();
        let diagnostic = Diagnostic::error("unknown-type", format!("there is no type `{name}`"))
            .did_you_mean(nearest(short, names))
            .help("infra schema lists all types");
        return Err(Stop::usage(diagnostic));
    };
    match call.format {
        Format::Json => call.print_json(&schema::json(&kind.schema)),
        Format::Text | Format::Markdown => call.print(&schema::text(&kind.schema, call.out_style())),
    }
    Ok(())
}

fn all(call: &Call, catalog: &Catalog) {
    let is_data = |it: &Kind| matches!(it.driver, Driver::Data(_));
    if call.format == Format::Json {
        let of = |data: bool| -> Map<String, Json> {
            let kinds = catalog.kinds().filter(|it| is_data(it) == data);
            kinds.map(|it| (it.schema.type_name.to_string(), schema::json(&it.schema))).collect()
        };
        return call.print_json(&json!({ "format_version": 1, "resources": of(false), "data": of(true) }));
    }
    let name = |it: &Kind| format!("{}{}", if is_data(it) { "data." } else { "" }, it.schema.type_name);
    let widest = catalog.kinds().map(|it| columns(&name(it))).max().unwrap_or(0);
    for kind in catalog.kinds() {
        let first = kind.schema.doc.lines().next().unwrap_or_default();
        call.print(&format!("{}\n", format!("{}  {first}", pad(&name(kind), widest)).trim_end()));
    }
}
