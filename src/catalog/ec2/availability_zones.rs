//! `aws_availability_zones`

use std::collections::BTreeSet;

use aws_sdk_ec2::types::AvailabilityZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cloud::aws::Aws;
use crate::remote::Fault;
use crate::resource::Data;

/// The availability zones of the region.
///
/// A zone that AWS adds changes the answer: name the zones in the stack where resources are keyed by them.
///
/// ```stack
/// data "aws_availability_zones" "available" {
///   state = "available"
///   filter {
///     name   = "opt-in-status"
///     values = ["opt-in-not-required"]
///   }
/// }
///
/// output "zones" { value = data.aws_availability_zones.available.names }
/// ```
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AvailabilityZones {
    /// Also those that the account has not opted in to.
    #[serde(default)]
    pub all_availability_zones: bool,
    /// `available`, `information`, `impaired` or `unavailable`.
    #[serde(default)]
    pub state: Option<String>,
    /// Zones that are left out, by name.
    #[serde(default)]
    pub exclude_names: BTreeSet<String>,
    /// Zones that are left out, by id.
    #[serde(default)]
    pub exclude_zone_ids: BTreeSet<String>,
    /// As `DescribeAvailabilityZones` takes them.
    #[serde(default)]
    pub filter: Vec<Filter>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Filter {
    /// A filter of EC2's `DescribeAvailabilityZones`: `zone-type`.
    pub name: String,
    /// Any of these fits.
    pub values: BTreeSet<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// The region.
    pub id: String,
    /// In order: `eu-west-1a`, …
    pub names: Vec<String>,
    /// Of the zones in `names`, in the same order: `euw1-az1`, …
    pub zone_ids: Vec<String>,
    /// The zone groups that the zones belong to.
    pub group_names: BTreeSet<String>,
}

impl Data for AvailabilityZones {
    const TYPE: &'static str = "aws_availability_zones";
    type Outputs = Outputs;

    async fn read(&self, aws: &Aws) -> Result<Outputs, Fault> {
        let state = self.state.as_ref().map(|it| super::filter("state", [it]));
        let filters = state.into_iter().chain(self.filter.iter().map(|it| super::filter(&it.name, it.values.iter())));
        let call = aws.ec2().describe_availability_zones().all_availability_zones(self.all_availability_zones);
        let found = call.set_filters(Some(filters.collect())).send().await?;
        let mut zones: Vec<AvailabilityZone> = found.availability_zones.unwrap_or_default();
        zones.retain(|it| {
            let excluded = |names: &BTreeSet<String>, name: Option<&str>| name.is_some_and(|it| names.contains(it));
            !excluded(&self.exclude_names, it.zone_name()) && !excluded(&self.exclude_zone_ids, it.zone_id())
        });
        zones.sort_by(|a, b| a.zone_name().cmp(&b.zone_name()));
        let all = |of: fn(&AvailabilityZone) -> Option<&str>| zones.iter().filter_map(of).map(str::to_owned);
        Ok(Outputs {
            id: aws.region().to_owned(),
            names: all(AvailabilityZone::zone_name).collect(),
            zone_ids: all(AvailabilityZone::zone_id).collect(),
            group_names: all(AvailabilityZone::group_name).collect(),
        })
    }
}
