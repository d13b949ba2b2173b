//! What may be typed. Options that several commands share are groups here; each command's own are in its file.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, ValueEnum};

use crate::cli::Command;

#[derive(Debug, Parser)]
#[command(
    name = "infra",
    version,
    about = "Declarative infrastructure for AWS: files in, one plan that tells the truth, one command to make it so",
    after_help = "Run in a repository with stacks/NAME/*.hcl. STACK may be left out where there is only one.\n\
                  Exit codes: 0 done · 1 failed · 2 changes or drift · 3 partly applied · 64 usage · 130 interrupted",
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct CommandLine {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Common {
    /// The folder that holds stacks/ [default: the nearest upwards]
    #[arg(short = 'C', global = true, value_name = "DIR", help_heading = "Everywhere")]
    pub dir: Option<PathBuf>,
    /// How to print the result
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, hide_default_value = true, help_heading = "Everywhere")]
    pub format: Format,
    /// No colours, even on a terminal
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub no_color: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    Markdown,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Markdown => "markdown",
        }
    }
}

/// Which stack, and the values of its variables.
#[derive(Clone, Debug, Default, Args)]
pub struct StackArgs {
    /// The stack: a folder under stacks/
    pub stack: Option<String>,
    #[command(flatten)]
    pub inputs: Inputs,
}

#[derive(Clone, Debug, Default, Args)]
pub struct Inputs {
    /// The value of a variable; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// A file of variables (HCL or JSON); may be repeated
    #[arg(long = "var-file", value_name = "FILE")]
    pub var_files: Vec<PathBuf>,
}

/// What is planned.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Only this address, block or module, and what it needs; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Replace this resource whatever the files say; may be repeated
    #[arg(long = "replace", value_name = "ADDRESS")]
    pub replaces: Vec<String>,
    /// Look at the cloud first; `--refresh=false` plans from the state alone
    #[arg(long, value_name = "BOOL", default_value_t = true, hide_default_value = true,
          action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub refresh: bool,
    /// Also change back what was changed by hand, on a stack with `confirm = true`
    #[arg(long)]
    pub repair_drift: bool,
    /// Allow this many deletions and replacements
    #[arg(long, value_name = "N")]
    pub max_deletes: Option<usize>,
    /// List unchanged resources too
    #[arg(long)]
    pub all: bool,
}

/// How changes are made.
#[derive(Clone, Debug, Args)]
pub struct Carrying {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Name the stack, where it must be named and nobody can be asked
    #[arg(long, value_name = "STACK")]
    pub confirm: Option<String>,
    /// Steps at a time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..))]
    pub parallelism: u16,
    /// Wait so long for the lock (`0s`: not at all) [default: until a holder that is gone can be told]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub lock_timeout: Option<Duration>,
    /// Start nothing that is not expected to be done by then, counted from now
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// With --auto-approve: also carry out what can only be planned on the way
    #[arg(long)]
    pub allow_deferred: bool,
}

/// How the record is mended, without a look at the cloud.
#[derive(Clone, Debug, Default, Args)]
pub struct Mending {
    /// Do not ask
    #[arg(long)]
    pub auto_approve: bool,
    /// Wait so long for the lock (`0s`: not at all) [default: until a holder that is gone can be told]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub lock_timeout: Option<Duration>,
}

/// `90s`, `10m`, `1h30m`, `500ms`
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a length of time: 90s, 10m, 1h30m");
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let part = match &rest[digits..unit_end] {
            "ms" => Some(Duration::from_millis(count)),
            "s" => Some(Duration::from_secs(count)),
            "m" => count.checked_mul(60).map(Duration::from_secs),
            "h" => count.checked_mul(3600).map(Duration::from_secs),
            _ => None,
        };
        sum = part.and_then(|it| sum.checked_add(it)).ok_or_else(wrong)?;
        rest = &rest[unit_end..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum) }
}

/// Terraform writes long options with one dash; so may whoever comes from there.
pub fn with_double_dashes(args: Vec<OsString>) -> Vec<OsString> {
    let command = CommandLine::command();
    let long = |it: &clap::Command| it.get_arguments().filter_map(|it| it.get_long().map(str::to_owned)).collect::<Vec<_>>();
    let mut names = long(&command);
    for it in command.get_subcommands() {
        names.extend(long(it));
        names.extend(it.get_subcommands().flat_map(long));
    }
    names.extend(["help".to_owned(), "version".to_owned()]);
    let mut is_option = true;
    let mend = |arg: OsString| {
        is_option &= arg != "--";
        let single = arg.to_str().filter(|_| is_option).and_then(|it| it.strip_prefix('-')).filter(|it| it.len() > 1);
        let known = |it: &&str| names.iter().any(|name| name == it.split('=').next().unwrap_or(it));
        match single.filter(known) {
            Some(name) => format!("--{name}").into(),
            None => arg,
        }
    };
    args.into_iter().map(mend).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for text in ["", "5", "m", "5x", "-5s", "1.5s", "99999999999999999999s", "18446744073709551615h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_dash_is_enough_for_a_long_option() {
        let mended = |args: &[&str]| -> Vec<OsString> { with_double_dashes(args.iter().map(Into::into).collect()) };
        assert_eq!(
            mended(&["infra", "-target=a.b", "-var", "x=1", "-C", "dir", "--", "-var"]),
            ["infra", "--target=a.b", "--var", "x=1", "-C", "dir", "--", "-var"]
        );
    }

    #[test]
    fn the_command_line_is_well_made() {
        CommandLine::command().debug_assert();
    }
}
