//! [`Call`]: one call of `infra`: the world, and the options that every command has.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::PoisonError;

use crate::cli::args::{Common, Format};
use crate::cli::exit::{Ended, Stop};
use crate::cli::texts::Texts;
use crate::cli::world::World;
use crate::diag::render::{self, NoSources, Sources};
use crate::diag::{Diagnostic, Span};
use crate::report::progress::Sink;
use crate::report::{Places, Style};

/// Of a terminal that does not say.
const WIDTH_DEFAULT: usize = 80;

pub struct Call {
    pub world: World,
    pub format: Format,
    pub no_color: bool,
    dir: Option<PathBuf>,
    /// The files that diagnostics point into, once a stack is known.
    texts: Option<Texts>,
}

impl Call {
    pub fn new(world: World, common: Common) -> Self {
        Self { world, format: common.format, no_color: common.no_color, dir: common.dir, texts: None }
    }

    pub fn sources(&self) -> &dyn Sources {
        match &self.texts {
            Some(texts) => texts,
            None => &NoSources,
        }
    }

    pub fn know(&mut self, texts: Texts) {
        self.texts = Some(texts);
    }

    /// The nearest folder upwards that holds `stacks/`; or the one that `-C` names.
    pub fn root(&self) -> Ended<PathBuf> {
        let start = self.dir.as_ref().map_or_else(|| self.world.dir.clone(), |it| self.world.dir.join(it));
        let holds = |it: &&std::path::Path| it.join("stacks").is_dir();
        let found = match &self.dir {
            Some(_) => Some(start.as_path()).filter(holds),
            None => start.ancestors().find(holds),
        };
        let nowhere = || {
            let place = if self.dir.is_some() { "in" } else { "in or above" };
            let summary = format!("there is no folder `stacks` {place} {}", start.display());
            let diagnostic = Diagnostic::error("no-stacks", summary)
                .detail("A repository keeps its stacks in stacks/NAME, one folder each.")
                .help("infra -C DIR …, with the folder that holds stacks/");
            Stop::usage(diagnostic)
        };
        found.map(std::path::Path::to_owned).ok_or_else(nowhere)
    }

    /// The result, for whoever reads stdout.
    pub fn print(&self, text: &str) {
        write(&self.world.stdout, text);
    }

    pub fn print_json(&self, document: &serde_json::Value) {
        self.print(&format!("{document:#}\n"));
    }

    /// Progress and remarks, for whoever watches.
    pub fn tell(&self, text: &str) {
        write(&self.world.stderr, text);
    }

    pub fn complain(&self, diagnostics: &[Diagnostic]) {
        if !diagnostics.is_empty() {
            self.tell(&render::render(diagnostics, self.sources(), self.err_style().colour));
        }
    }

    pub fn out_style(&self) -> Style {
        self.style(self.world.terminal.stdout)
    }

    pub fn err_style(&self) -> Style {
        self.style(self.world.terminal.stderr)
    }

    fn style(&self, is_terminal: bool) -> Style {
        let plain = self.no_color || self.world.var("NO_COLOR").is_some() || self.world.var("TERM") == Some("dumb");
        Style { width: self.world.terminal.width.unwrap_or(WIDTH_DEFAULT), colour: is_terminal && !plain }
    }

    /// Asks a person. None when there is nobody to ask.
    pub fn ask(&mut self, question: &str) -> Option<String> {
        if !self.world.terminal.stdin || self.world.is_unattended() {
            return None;
        }
        self.tell(question);
        let mut answer = String::new();
        self.world.stdin.read_line(&mut answer).ok().filter(|it| *it > 0)?;
        Some(answer.trim().to_owned())
    }

    /// Only what the command can print.
    pub fn only(&self, formats: &[Format]) -> Ended<()> {
        if formats.contains(&self.format) {
            return Ok(());
        }
        let names: Vec<_> = formats.iter().map(|it| format!("`{}`", it.name())).collect();
        let summary = format!("this command does not print `{}`", self.format.name());
        Err(Stop::usage(Diagnostic::error("format", summary).help(format!("it prints {}", names.join(" and ")))))
    }

    /// `INFRA_VAR_name`, by name.
    pub fn variables_of_environment(&self) -> BTreeMap<String, String> {
        let named = self.world.env.iter().filter_map(|(name, it)| Some((name.strip_prefix("INFRA_VAR_")?, it)));
        named.map(|(name, it)| (name.to_owned(), it.clone())).collect()
    }
}

impl Places for Call {
    fn place(&self, span: &Span) -> Option<String> {
        Some(self.texts.as_ref()?.place(span))
    }
}

/// A reader that went away stops nothing.
fn write(sink: &Sink, text: &str) {
    let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
    let _ = sink.write_all(text.as_bytes()).and_then(|()| sink.flush());
}
