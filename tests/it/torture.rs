//! The real process, killed at its calls: one plain run more, and the account holds what it would hold had nothing happened.
//! A sample that its seed decides; `cargo run -p localstack -- torture` does all of it.

use std::path::Path;

use localstack::Cloud;
use localstack::torture::{Backend, Life, Reference, Site, Tally, sample};

/// Where the undisturbed life is lived, whose calls and things the others are compared with.
const UNDISTURBED: &str = "800000000501";
/// In S3 a killed holder's lease must run out first, so one phase fewer is killed there.
const LIVES: [(Backend, &str, &[usize]); 2] =
    [(Backend::Local, "800000000502", &[0, 1, 2]), (Backend::S3, "800000000503", &[0, 2])];

const SEED: u64 = 2;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_finished_by_the_next() {
    let cloud = Cloud::shared().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let open = async |account: &str, backend| {
        let program = Path::new(env!("CARGO_BIN_EXE_infra"));
        Site::open(cloud, program, &folder.join(account), account, backend).await.unwrap()
    };
    let reference = Reference::take(&open(UNDISTURBED, Backend::Local).await).await.unwrap();
    // Routes and associations show in their tables.
    assert!(reference.left[0].0.len() >= 50 && reference.left[2].0.is_empty(), "{:#?}", reference.left);
    let lives = LIVES.map(|(backend, account, killed)| {
        let (open, reference) = (&open, &reference);
        async move {
            let drawn = sample(reference.counts, 1, 1, SEED).remove(0).0;
            let mut life = Life::default();
            for at in killed {
                life.0[*at] = drawn[*at].clone();
            }
            life.live(&open(account, backend).await, reference).await.unwrap_or_else(|why| panic!("{why}"))
        }
    });
    let tallies = futures::future::join_all(lives).await;
    for (tally, (_, _, killed)) in tallies.into_iter().zip(LIVES) {
        assert!(tally.places > 10, "{tally:?}");
        assert_eq!(tally, Tally { stories: 3, kills: killed.len() as u64, places: tally.places, ..Tally::default() });
    }
}
