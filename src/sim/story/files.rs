//! What the user writes, from round to round.

use std::collections::BTreeSet;

use super::{SECRET, Story};
use crate::address::{Address, Mode};
use crate::remote::Id;
use crate::sim::types::{HABITS, LOOKUP, habit};
use crate::sim::wish::{Block, Settings};
use crate::sim::words;
use crate::stack::desired::{Import, Moved};
use crate::value::Value;

impl Story {
    /// The user changes the files.
    pub(super) fn rewrite(&mut self) {
        for _ in 0..(1 + self.rng.below(4)).min(self.cuts.blocks) {
            self.add_block();
        }
        if self.rng.one_in(3) {
            self.look_up();
        }
        if self.rng.one_in(4) {
            self.move_block();
        }
        if self.rng.one_in(4) && self.cuts.strangers {
            self.import_block();
        }
        let all: Vec<Address> = self.wish.blocks.keys().cloned().collect();
        for address in all {
            if self.rng.one_in(5) {
                self.change_block(&address);
            }
            let used = self.wish.blocks.values().any(|it| it.names(&address));
            if !used && self.rng.one_in(6) {
                self.wish.blocks.remove(&address);
            }
        }
        self.scene.tell(|| "the files say".into());
        for (address, block) in &self.wish.blocks {
            self.scene.tell(|| format!("    {}", words::block(address, block)));
        }
    }

    fn add_block(&mut self) {
        let Some(habit) = self.rng.pick(&HABITS).copied() else { return };
        self.names += 1;
        let name = format!("n{}", self.names);
        let Ok(address) = format!("{}.{name}", habit.name).parse::<Address>() else { return };
        let others: Vec<Address> = self.managed();
        let parents: BTreeSet<Address> = others.iter().filter(|_| self.rng.one_in(3)).take(2).cloned().collect();
        let peers: BTreeSet<Address> = others.iter().filter(|_| self.rng.one_in(5)).cloned().collect();
        let mut settings = Settings::from([("name", Value::from(name))]);
        settings.insert("size", Value::from(self.rng.below(5) as i64));
        if self.rng.one_in(3) {
            settings.insert("secret", Value::from(SECRET));
        }
        if habit.tagged && self.rng.one_in(2) {
            settings.insert("tags", Value::map([("project", Value::from("sim"))]));
        }
        let mut block =
            Block { settings, parents: parents.into_iter().collect(), peers: peers.into_iter().collect(), ..Block::default() };
        let lookups: Vec<Address> = self.wish.blocks.keys().filter(|it| it.mode() == Mode::Data).cloned().collect();
        block.looks = self.rng.pick(&lookups).filter(|_| !habit.stepwise).cloned();
        // Whatever it needs is replaced create-first with it, and of a name there can only be one.
        let named = block.needs().any(|it| self.needs_name(it));
        block.lifecycle.create_before_destroy = !habit.by_name && !named && self.rng.one_in(3);
        self.wish.blocks.insert(address, block);
    }

    fn managed(&self) -> Vec<Address> {
        self.wish.blocks.keys().filter(|it| it.mode() == Mode::Managed).cloned().collect()
    }

    /// A data source, asked of something that is made or of nothing.
    fn look_up(&mut self) {
        self.names += 1;
        let Ok(address) = format!("data.{LOOKUP}.n{}", self.names).parse::<Address>() else { return };
        let of = self.rng.pick(&self.managed()).filter(|_| self.names.is_multiple_of(2)).cloned();
        self.wish.blocks.insert(address, Block { parents: of.into_iter().collect(), ..Block::default() });
    }

    /// A block whose name somebody else has already; gives its address.
    pub(super) fn trespass(&mut self) -> Option<Address> {
        let (type_name, name) = *self.rng.pick(&[("sim_named", "n0"), ("sim_bare", "n1")])?;
        self.names += 1;
        let address = format!("{type_name}.t{}", self.names).parse::<Address>().ok()?;
        let settings = [("name", Value::from(name)), ("size", Value::from(1))].into();
        self.wish.blocks.insert(address.clone(), Block { settings, ..Block::default() });
        self.scene.tell(|| format!("the files also say {address}, which has the name of somebody else's {name}"));
        Some(address)
    }

    /// A block gets another address, whatever former runs left open under the old one.
    fn move_block(&mut self) {
        let Some(from) = self.rng.pick(&self.managed()).cloned() else { return };
        self.names += 1;
        let Ok(to) = format!("{}.m{}", from.type_name(), self.names).parse::<Address>() else { return };
        if !self.scene.vault.folded.resources.contains_key(&from) {
            return;
        }
        let renamed = |it: Address| if it == from { to.clone() } else { it };
        let blocks = std::mem::take(&mut self.wish.blocks).into_iter().map(|(address, mut block)| {
            for it in block.parents.iter_mut().chain(&mut block.peers) {
                *it = renamed(it.clone());
            }
            (renamed(address), block)
        });
        self.wish.blocks = blocks.collect();
        self.wish.moved.push(Moved { from: from.to_string(), to: to.to_string(), span: None });
    }

    /// Something that was made by hand is taken in.
    fn import_block(&mut self) {
        self.names += 1;
        let name = format!("n{}", self.names);
        let Ok(to) = format!("sim_instant.{name}").parse::<Address>() else { return };
        self.scene.world.add_foreign("sim_instant", &name);
        let id = Id::new(format!("foreign-{name}"));
        let settings =
            [("name", Value::from(name)), ("flavor", "theirs".into()), ("size", Value::from(self.rng.below(5) as i64))].into();
        self.wish.blocks.insert(to.clone(), Block { settings, ..Block::default() });
        self.wish.imports.push(Import { to, id, span: None });
    }

    fn needs_name(&self, address: &Address) -> bool {
        let mut needs = self.wish.blocks.get(address).into_iter().flat_map(Block::needs);
        habit(address.type_name()).by_name || needs.any(|it| self.needs_name(it))
    }

    fn change_block(&mut self, address: &Address) {
        let (size, flavor) = (self.rng.below(5) as i64, format!("f{}", self.rng.below(3)));
        // What is about to be imported must be as it is where it cannot change.
        let fixed = self.rng.one_in(3) && self.wish.imports.iter().all(|it| it.to != *address);
        let Some(block) = self.wish.blocks.get_mut(address).filter(|_| address.mode() == Mode::Managed) else { return };
        match fixed {
            true => block.settings.insert("flavor", flavor.into()),
            false => block.settings.insert("size", size.into()),
        };
    }
}
