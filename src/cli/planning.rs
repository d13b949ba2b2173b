//! From files, state and cloud to a plan: looks, plans, and looks again at what the plan turned out to need.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::cli::args::Selection;
use crate::cli::connect::Connected;
use crate::cli::desired;
use crate::cli::exit::Ended;
use crate::cli::look::{self, Depth};
use crate::cli::stack;
use crate::diag::Diagnostic;
use crate::plan::{Observed, Options, Outcome, Planned, Request};
use crate::state::State;
use crate::value::Sealer;

/// A plan asks for at most so many rounds of reads: data sources whose arguments come from data sources.
const ROUNDS_MAX: usize = 64;

/// Looks at what is recorded.
pub async fn look(connected: &Connected, state: &State, depth: Depth) -> Ended<Observed> {
    let mut observed = Observed::default();
    look::recorded(&connected.clouds, state, &connected.stack.declared, depth, &mut observed).await?;
    Ok(observed)
}

/// Plans; what the plan needs besides is read into `observed`.
pub async fn plan(
    connected: &mut Connected,
    state: &State,
    observed: &mut Observed,
    options: &Options,
    sealer: &Sealer,
) -> Ended<Box<Planned>> {
    for _ in 0..ROUNDS_MAX {
        let digest = connected.stack.program.digest();
        let inner = desired::desired(&mut connected.former, &mut connected.stack.program);
        let request = Request {
            configuration: &mut desired::WithImports { inner, imports: &connected.found.imports },
            types: &*connected.stack.catalog,
            state,
            observed,
            options,
            sealer,
            account: &connected.account,
            region: &connected.region,
            digest: &digest,
        };
        match crate::plan::plan(request) {
            // A path that was not known before led to another file.
            Outcome::Planned(_) if connected.unwrap_keys().await => {}
            Outcome::Planned(mut planned) => {
                // Files that were only read while it was evaluated count too.
                planned.plan.configuration = connected.stack.program.digest();
                planned.diagnostics.extend(look::objections(&connected.clouds, &planned.plan, observed).await?);
                return Ok(planned);
            }
            Outcome::NeedsData(wanted) => look::data(&connected.clouds, wanted, observed).await?,
            Outcome::NeedsImports(wanted) => {
                let keys = wanted.into_iter().map(|(_, key)| key).collect();
                look::imports(&connected.clouds, keys, observed).await?;
            }
            Outcome::NeedsPreviews(wanted) => look::previews(&connected.clouds, wanted, observed).await?,
            Outcome::Refused(diagnostics) => return Err(diagnostics.into()),
        }
    }
    Err(Diagnostic::error("too-deep", "data sources depend on data sources too often")
        .detail(format!("After {ROUNDS_MAX} rounds of reads the plan still asked for more."))
        .into())
}

/// What the command line and the stack say about the plan.
pub fn options(connected: &Connected, selection: &Selection) -> Ended<Options> {
    let settings = &connected.stack.settings;
    let limit = settings.max_deletes.and_then(|it| usize::try_from(it).ok());
    Ok(Options {
        targets: selection.targets.clone(),
        replace: selection.replaces.iter().map(|it| stack::address(it)).collect::<Ended<_>>()?,
        destroy: false,
        purge: BTreeSet::new(),
        confirm_stack: settings.confirm,
        repair_drift: selection.repair_drift,
        precious: connected.stack.catalog.kinds().filter(|it| it.precious).map(|it| it.schema.type_name.to_string()).collect(),
        max_deletes: selection.max_deletes.or(limit),
        typical: typical(connected),
    })
}

fn typical(connected: &Connected) -> BTreeMap<Arc<str>, Duration> {
    connected.stack.catalog.settles().into_iter().map(|(name, it)| (name, it.typical)).collect()
}
