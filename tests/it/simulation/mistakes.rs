//! Planted mistakes: each is one that an engine could make, spoils what passes between the machine and the world, and must be
//! caught by the laws. So the laws are known to be able to fail.

mod calls;
mod plans;
mod records;

use infra::sim::run::Watcher;
use infra::sim::story;

/// Within so many seeds each must be caught.
const SEEDS: u64 = 20_000;

struct Mistake {
    name: &'static str,
    /// What goes wrong by it.
    breaks: &'static str,
    /// A seed whose story ends badly with it; another may have to be found when stories change.
    seed: u64,
    ends_badly: fn(u64) -> bool,
}

const fn planted<W: Watcher + Default>(name: &'static str, breaks: &'static str, seed: u64) -> Mistake {
    Mistake { name, breaks, seed, ends_badly: |seed| story::ends_badly(seed, W::default) }
}

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    // What is sent and heard.
    planted::<calls::TokenNotReused>("each attempt has a token of its own", "a lost answer makes a second one", 0),
    planted::<calls::OneTokenForAll>("all creations have one token", "two things become one", 4),
    planted::<calls::TokenNotTagged>("the token is not tagged", "what was made is not found again", 4),
    planted::<calls::NotTagged>("a creation carries no tags of ours", "nobody can tell whose it is", 0),
    planted::<calls::TagsTakenOff>("an update takes our tags off", "nobody can tell whose it is", 0),
    planted::<calls::NoAnswerIsNo>("no answer is taken for no", "what was made is forgotten", 5),
    planted::<calls::NoAnswerIsBusy>("no answer is followed by another creation", "it is made twice", 5),
    planted::<calls::TakenIsMade>("a name that is taken counts as made", "somebody else's thing is changed", 2),
    planted::<calls::StrangersAreOurs>("what is found by name counts as ours", "somebody else's thing is taken in", 2),
    planted::<calls::OneTwinAlone>("one of several with a token is looked at", "a late second one stays behind", 216),
    planted::<calls::ReadyTooEarly>("nothing is waited for", "it is used before it is ready", 4),
    planted::<calls::StaleReads>("reads are answered from memory", "a change is never seen to take", 0),
    // What goes on record.
    planted::<records::IntentAfterCall>("the intent is stored after the call", "a crash leaves an orphan", 0),
    planted::<records::DeletionNotAnnounced>("deletions are not announced", "a crash leaves a record of nothing", 4),
    planted::<records::UpdateNotAnnounced>("updates are not announced", "nobody knows of a half-made change", 0),
    planted::<records::CreationLost>("the id of what was made is not stored", "it is made again", 0),
    planted::<records::DeletionLost>("that it is deleted is not stored", "its record stays", 9),
    planted::<records::Reversed>("a commit is stored back to front", "outcomes come before their intents", 38),
    planted::<records::FailureBelieved>("a commit that failed is taken for stored", "the record has a hole", 0),
    planted::<records::WatchDropped>("what was not found is not watched for", "a late creation stays behind", 256),
    planted::<records::SecretInClear>("a secret is stored as it is", "it can be read in the journal", 0),
    planted::<records::MoveForgotten>("a move is not stored", "it is planned again for ever", 4),
    planted::<records::AdoptionForgotten>("what is taken in is not stored", "it is taken in again for ever", 0),
    planted::<records::WatchesNotSaved>("the last save leaves out what is watched", "a late creation stays behind", 158),
    planted::<records::FormerOnesNotSaved>("the last save leaves out former instances", "they stay behind", 29),
    // What is planned, and who may do it.
    planted::<plans::AbsentTooEarly>("not found is taken for absent at once", "it is made twice", 0),
    planted::<plans::CreationsUnordered>("a creation does not wait for what it needs", "it cannot be made", 9),
    planted::<plans::DeletionsUnordered>("a deletion does not wait for what uses it", "the cloud refuses it", 4),
    planted::<plans::ReplacedOneKept>("what was replaced is not deleted", "it stays behind", 162),
    planted::<plans::NoEpochCheck>("lease and epoch are not checked", "two runs write at once", 3),
    planted::<plans::NothingSettled>("open intents of former runs are not settled", "things are lost or made twice", 0),
    planted::<plans::LastSignForgotten>("calls of a dead run are taken for over", "they arrive, and nobody looks", 256),
];

#[test]
fn every_planted_mistake_is_caught() {
    for it in MISTAKES {
        let caught = [it.seed].into_iter().chain(0..SEEDS).find(|seed| (it.ends_badly)(*seed));
        assert!(caught.is_some(), "{}: nobody noticed within {SEEDS} seeds that {}", it.name, it.breaks);
    }
    assert!(MISTAKES.len() >= 20);
}
