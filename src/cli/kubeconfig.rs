//! `infra kubeconfig [STACK]`: the stack's EKS clusters, as kubectl finds them.

mod document;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::document::Entry;
use super::args::{Format, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::eks_token;
use super::exit::{Ended, Exit, Stop};
use super::stack;
use crate::cli::stack::Stack;
use crate::cloud::kube::ClusterRef;
use crate::diag::Diagnostic;
use crate::remote::ConfigName;
use crate::report::fault;
use crate::store::local;

/// The resource type whose outputs say how a cluster is reached.
const CLUSTER: &str = "aws_eks_cluster";

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    /// The file to write or merge into; `-` prints one of its own [default: the first of KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// What the context is called [default: the cluster's name]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let stack = stack::load(call, &args.stack)?;
    let entries = entries(call, &stack, args.context.as_deref()).await?;
    if args.kubeconfig.as_deref().is_some_and(|it| it == Path::new("-")) {
        let text = document::merged(None, &entries).map_err(|why| Diagnostic::error("bug", why))?;
        call.print(&text);
        return Ok(Exit::Done);
    }
    let file = args.kubeconfig.map(|it| call.world.dir.join(it)).or_else(|| usual(call)).ok_or_else(nowhere)?;
    // A link keeps leading to where it leads.
    let file = std::fs::canonicalize(&file).unwrap_or(file);
    write(&file, &entries)?;
    match call.format {
        Format::Json => {
            let contexts =
                entries.iter().map(|it| json!({ "context": it.context, "cluster": it.identity, "endpoint": it.endpoint }));
            call.print_json(&json!({
                "format_version": 1,
                "stack": stack.name,
                "kubeconfig": file.display().to_string(),
                "contexts": contexts.collect::<Vec<_>>(),
            }));
        }
        Format::Text | Format::Markdown => {
            for it in &entries {
                call.print(&format!("{}: the context {} is {}\n", file.display(), it.context, it.said));
            }
        }
    }
    Ok(Exit::Done)
}

/// The clusters on record, none of which is looked at.
async fn entries(call: &Call, stack: &Stack, context: Option<&str>) -> Ended<Vec<Entry>> {
    let store = connect::store(call, stack, Purpose::Look).await?;
    let state = store.read().await.map_err(|it| connect::refused(call, stack, &it))?;
    let records = state.iter().flat_map(|it| &it.resources).filter(|(address, _)| address.type_name() == CLUSTER);
    let mut entries = Vec::new();
    for (address, record) in records {
        let cluster = ClusterRef::of_outputs(&record.outputs).map_err(|it| fault::of_cloud(&it).address(address.clone()))?;
        entries.extend(entry(stack, &record.config, cluster));
    }
    let name = &stack.name;
    match (entries.as_mut_slice(), context) {
        ([], _) => Err(Diagnostic::error("no-cluster", format!("no EKS cluster is recorded for the stack `{name}`"))
            .help(format!("a cluster is recorded once it is made: infra apply {name}"))
            .into()),
        ([one], Some(context)) => {
            context.clone_into(&mut one.context);
            Ok(entries)
        }
        ([_, _, ..], Some(_)) => {
            let all: Vec<&str> = entries.iter().map(|it| it.context.as_str()).collect();
            let summary = format!("one name is given for the contexts of several clusters: {}", all.join(", "));
            Err(Stop::usage(Diagnostic::error("one-context", summary).help("without --context each is called as its cluster is")))
        }
        (_, None) => Ok(entries),
    }
}

/// Tokens are signed as the cluster's own configuration signs what it sends.
fn entry(stack: &Stack, config: &ConfigName, cluster: ClusterRef) -> Option<Entry> {
    let (identity, said) = (cluster.identity(), cluster.said());
    let ClusterRef::Eks { name, region, endpoint, certificate_authority, arn: _ } = cluster else { return None };
    let settings = stack.settings.aws.get(config);
    let role = settings.and_then(|it| it.assume_role.clone());
    let token = eks_token::Args {
        cluster: name.clone(),
        region,
        profile: settings.and_then(|it| it.profile.clone()),
        external_id: role.as_ref().and_then(|it| it.external_id.clone()),
        role_arn: role.map(|it| it.role_arn),
    };
    Some(Entry { context: name, identity, said, endpoint, certificate_authority, token })
}

/// Where kubectl looks.
fn usual(call: &Call) -> Option<PathBuf> {
    let listed = call.world.var("KUBECONFIG").and_then(|it| std::env::split_paths(it).find(|it| !it.as_os_str().is_empty()));
    let listed = listed.map(|it| call.world.dir.join(it));
    listed.or_else(|| Some(Path::new(call.world.var("HOME")?).join(".kube").join("config")))
}

fn nowhere() -> Stop {
    Diagnostic::error("io", "there is no place for a kubeconfig").help("set HOME or KUBECONFIG, or say --kubeconfig FILE").into()
}

fn write(file: &Path, entries: &[Entry]) -> Ended<()> {
    let failed = |error: std::io::Error| {
        Diagnostic::error("io", format!("the kubeconfig {} cannot be used", file.display())).detail(error.to_string())
    };
    let former = match std::fs::read_to_string(file) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error).into()),
    };
    let text = document::merged(former.as_deref(), entries).map_err(|why| {
        Diagnostic::error("kubeconfig", format!("the kubeconfig {} cannot be merged into", file.display()))
            .detail(format!("{why}. Nothing was written."))
            .help("write into another file: --kubeconfig FILE")
    })?;
    let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    Ok(folder.and_then(|()| local::replace(file, text.as_bytes())).map_err(failed)?)
}
