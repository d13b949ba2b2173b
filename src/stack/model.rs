//! What the files say, lowered: one [`Definition`] a folder, shared by all its uses.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::expr::{Expr, Mention, Named, Place, Target};
use crate::address::Mode;
use crate::diag::Span;
use crate::schema::Schema;
use crate::value::Type;

/// Everything that was read, immutable from then on.
#[derive(Debug, Default)]
pub struct Model {
    pub files: Vec<SourceFile>,
    /// The stack itself is the first.
    pub definitions: Vec<Definition>,
}

#[derive(Debug)]
pub struct SourceFile {
    /// Relative to the root of the repository.
    pub name: Arc<str>,
    /// The folder that its relative paths start from.
    pub folder: Arc<str>,
    pub text: Arc<str>,
}

impl Model {
    pub fn span(&self, place: Place) -> Span {
        let file = self.files.get(place.file as usize).map_or_else(|| "".into(), |it| it.name.clone());
        Span { file, start: place.start, end: place.end }
    }

    /// What is written at a place.
    pub fn text(&self, place: Place) -> &str {
        let file = self.files.get(place.file as usize);
        file.and_then(|it| it.text.get(place.start as usize..place.end as usize)).unwrap_or_default()
    }
}

/// One folder of files: the stack, or a module.
#[derive(Debug, Default)]
pub struct Definition {
    /// Relative to the root of the repository.
    pub folder: Arc<str>,
    pub variables: Vec<Variable>,
    pub locals: Vec<Local>,
    pub blocks: Vec<Block>,
    pub modules: Vec<ModuleCall>,
    pub outputs: Vec<Output>,
    pub checks: Vec<Check>,
    pub moved: Vec<MovedBlock>,
    pub removed: Vec<RemovedBlock>,
    pub imports: Vec<ImportBlock>,
    /// Of the `stack` block and the `aws` blocks; a module has none.
    pub settings: Option<Body>,
    pub settings_place: Option<Place>,
    pub aws: Vec<AwsBlock>,
    /// Every `aws = "…"`, to be looked up in the stack.
    pub aws_mentions: Vec<(Arc<str>, Place)>,
    pub mentions: Vec<(Owner, Mention)>,
    pub calls: Vec<Named>,
    pub variable_names: BTreeMap<Arc<str>, u32>,
    pub local_names: BTreeMap<Arc<str>, u32>,
    pub output_names: BTreeMap<Arc<str>, u32>,
    pub module_names: BTreeMap<Arc<str>, u32>,
    pub block_names: BTreeMap<(Mode, Arc<str>, Arc<str>), u32>,
    /// Indices of the blocks, each after those that it mentions, as far as that goes.
    pub block_order: Vec<u32>,
}

impl Definition {
    /// Finds the order in which evaluation need not go deep. Without recursion: chains may be as long as the files.
    pub fn order_blocks(&mut self) {
        let mut needs: Vec<Vec<u32>> = vec![Vec::new(); self.blocks.len()];
        for (owner, mention) in &self.mentions {
            if let (Owner::Block(from), Target::Block(mode, type_name, name)) = (owner, &mention.target)
                && let Some(to) = self.block_names.get(&(*mode, type_name.clone(), name.clone()))
                && let Some(needs) = needs.get_mut(*from as usize)
            {
                needs.push(*to);
            }
        }
        let mut met = vec![false; needs.len()];
        let mut order = Vec::with_capacity(needs.len());
        for start in 0..needs.len() {
            let mut open = vec![(start, 0)];
            while let Some((block, at)) = open.pop() {
                if at == 0 && std::mem::replace(&mut met[block], true) {
                    continue;
                }
                match needs[block].get(at) {
                    Some(next) => open.extend([(block, at + 1), (*next as usize, 0)]),
                    None => order.extend(u32::try_from(block)),
                }
            }
        }
        self.block_order = order;
    }
}

/// In what a mention stands: some references are allowed in some blocks only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Block(u32),
    Module(u32),
    /// The condition of a variable: may name only the variable itself.
    Validation(u32),
    Other,
}

#[derive(Debug)]
pub struct Variable {
    pub name: Arc<str>,
    pub place: Place,
    pub ty: Type,
    pub default: Option<Expr>,
    pub nullable: bool,
    pub sensitive: bool,
    pub validations: Vec<Condition>,
}

#[derive(Debug)]
pub struct Condition {
    pub place: Place,
    pub condition: Expr,
    pub message: Expr,
}

#[derive(Debug)]
pub struct Local {
    pub name: Arc<str>,
    pub place: Place,
    pub value: Expr,
}

#[derive(Debug)]
pub struct Output {
    pub name: Arc<str>,
    pub place: Place,
    pub value: Expr,
    pub sensitive: bool,
    pub preconditions: Vec<Condition>,
    pub depends_on: Vec<Expr>,
}

#[derive(Debug)]
pub struct Check {
    pub name: Arc<str>,
    pub place: Place,
    pub asserts: Vec<Condition>,
}

/// What resources and modules have in common.
#[derive(Debug, Default)]
pub struct Meta {
    pub for_each: Option<Expr>,
    pub enabled: Option<Expr>,
    pub depends_on: Vec<Expr>,
}

impl Meta {
    /// Whether there may be none of it.
    pub fn may_be_disabled(&self) -> bool {
        self.enabled.as_ref().is_some_and(|it| it.literal_bool() != Some(true))
    }
}

/// A `resource` or `data` block.
#[derive(Debug)]
pub struct Block {
    pub mode: Mode,
    pub type_name: Arc<str>,
    pub name: Arc<str>,
    /// `resource "aws_vpc" "main"`.
    pub place: Place,
    pub schema: Arc<Schema>,
    pub meta: Meta,
    pub aws: Option<Arc<str>>,
    pub timeouts: Vec<(Arc<str>, Expr)>,
    pub lifecycle: LifecycleBlock,
    pub body: Body,
}

#[derive(Debug, Default)]
pub struct LifecycleBlock {
    pub prevent_destroy: Option<Expr>,
    pub prevent_replace: Option<Expr>,
    pub create_before_destroy: Option<Expr>,
    pub retain_on_delete: Option<Expr>,
    pub ignore_changes: Vec<Arc<str>>,
    pub ignore_all_changes: bool,
    pub owned_elsewhere: Vec<Arc<str>>,
    pub replace_triggered_by: Vec<Expr>,
    pub preconditions: Vec<Condition>,
    pub postconditions: Vec<Condition>,
}

/// The attributes and blocks between two braces, in the order of the first mention of each name.
#[derive(Debug, Default)]
pub struct Body {
    pub settings: Vec<Setting>,
}

impl Body {
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|it| it.name.as_ref() == name)
    }
}

#[derive(Debug)]
pub struct Setting {
    pub name: Arc<str>,
    /// The name itself.
    pub place: Place,
    pub content: Content,
}

#[derive(Debug)]
pub enum Content {
    Value(Expr),
    Blocks(Vec<Nested>),
}

#[derive(Debug)]
pub enum Nested {
    Block { place: Place, labels: Vec<Arc<str>>, body: Body },
    Dynamic { place: Place, for_each: Expr, iterator: Arc<str>, body: Body },
}

#[derive(Debug)]
pub struct ModuleCall {
    pub name: Arc<str>,
    pub place: Place,
    pub source_place: Place,
    /// Index into the program's definitions.
    pub definition: u32,
    pub meta: Meta,
    pub arguments: Vec<Setting>,
}

#[derive(Debug)]
pub struct AwsBlock {
    pub name: Arc<str>,
    pub place: Place,
    pub body: Body,
}

#[derive(Debug)]
pub struct MovedBlock {
    pub place: Place,
    pub from: Arc<str>,
    pub to: Arc<str>,
}

#[derive(Debug)]
pub struct RemovedBlock {
    pub place: Place,
    pub from: Arc<str>,
    pub destroy: bool,
}

#[derive(Debug)]
pub struct ImportBlock {
    pub place: Place,
    pub to: Arc<str>,
    pub to_place: Place,
    pub id: Expr,
    pub for_each: Option<Expr>,
}
