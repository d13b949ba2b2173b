//! `aws_route`

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{Route as Live, RouteOrigin};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::route_table;
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Settle, Status, Token};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;
use crate::schema::field::{Cidr, Cidr6};

/// One route of a table: a destination and what takes the packets there.
///
/// Its id is the table's, `_`, and the destination: `rtb-0a1b_0.0.0.0/0`. It carries no tags, so a route that exists with the
/// same destination and target counts as ours after a creation whose answer was lost.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_internet_gateway" "main" { vpc_id = aws_vpc.main.id }
///
/// resource "aws_route_table" "public" { vpc_id = aws_vpc.main.id }
///
/// resource "aws_route" "internet" {
///   route_table_id         = aws_route_table.public.id
///   destination_cidr_block = "0.0.0.0/0"
///   gateway_id             = aws_internet_gateway.main.id
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// The table that the route is in.
    pub route_table_id: Fixed<String>,
    /// The IPv4 range that is routed.
    #[serde(default)]
    pub destination_cidr_block: Fixed<Option<Cidr>>,
    /// The IPv6 range that is routed.
    #[serde(default)]
    pub destination_ipv6_cidr_block: Fixed<Option<Cidr6>>,
    /// The prefix list whose ranges are routed.
    #[serde(default)]
    pub destination_prefix_list_id: Fixed<Option<String>>,
    /// An internet gateway or a virtual private gateway.
    #[serde(default)]
    pub gateway_id: Option<String>,
    /// Through a NAT gateway.
    #[serde(default)]
    pub nat_gateway_id: Option<String>,
    /// Through a network interface.
    #[serde(default)]
    pub network_interface_id: Option<String>,
    /// Through a transit gateway.
    #[serde(default)]
    pub transit_gateway_id: Option<String>,
    /// Through a peering connection.
    #[serde(default)]
    pub vpc_peering_connection_id: Option<String>,
    /// Through an egress-only internet gateway, for IPv6.
    #[serde(default)]
    pub egress_only_gateway_id: Option<String>,
    /// Through a gateway load balancer endpoint.
    #[serde(default)]
    pub vpc_endpoint_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// Its id.
    pub id: String,
    /// `active`, or `blackhole` when the target is gone.
    pub state: String,
}

/// A route's natural key: the table, and the destination in any of its three forms.
fn parse(id: &Id) -> Option<(&str, &str)> {
    id.as_str().split_once('_')
}

fn destination(it: &Live) -> Option<&str> {
    it.destination_cidr_block().or(it.destination_ipv6_cidr_block()).or(it.destination_prefix_list_id())
}

/// Those of the VPC itself, of gateway endpoints and of virtual private gateways are others' routes.
fn is_settable(it: &Live) -> bool {
    let own = it.gateway_id() != Some("local") && it.origin() != Some(&RouteOrigin::EnableVgwRoutePropagation);
    own && it.origin() != Some(&RouteOrigin::CreateRouteTable)
}

/// Creating and replacing take the same members, and have builders of different types.
macro_rules! with_all {
    ($call:expr, $route:expr) => {{
        let it = $route.clone();
        $call
            .route_table_id(it.route_table_id.0)
            .set_destination_cidr_block(it.destination_cidr_block.0.map(|it| it.0))
            .set_destination_ipv6_cidr_block(it.destination_ipv6_cidr_block.0.map(|it| it.0))
            .set_destination_prefix_list_id(it.destination_prefix_list_id.0)
            .set_gateway_id(it.gateway_id)
            .set_nat_gateway_id(it.nat_gateway_id)
            .set_network_interface_id(it.network_interface_id)
            .set_transit_gateway_id(it.transit_gateway_id)
            .set_vpc_peering_connection_id(it.vpc_peering_connection_id)
            .set_egress_only_internet_gateway_id(it.egress_only_gateway_id)
            .set_vpc_endpoint_id(it.vpc_endpoint_id)
    }};
}

impl Resource for Route {
    const TYPE: &'static str = "aws_route";
    const SETTLE: Settle = Settle { create: Duration::from_secs(300), ..super::SETTLE };
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[
        (&["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"], true),
        (
            &[
                "gateway_id",
                "nat_gateway_id",
                "network_interface_id",
                "transit_gateway_id",
                "vpc_peering_connection_id",
                "egress_only_gateway_id",
                "vpc_endpoint_id",
            ],
            true,
        ),
    ];
    const PART_OF: Option<&'static str> = Some("route_table_id");
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        with_all!(aws.ec2().create_route(), self).send().await?;
        Ok(self.id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let mut tables: Vec<Id> = query.ids.iter().filter_map(|id| Some(Id::new(parse(id)?.0))).collect();
        tables.sort();
        tables.dedup();
        let of_tables = Query { ids: tables, ..query.clone() };
        let found = super::describe(aws, &of_tables, route_table::LISTING, |filters| route_table::list(aws, filters)).await?;
        let mut routes = BTreeMap::new();
        for (table, it) in &found {
            for route in it.routes().iter().filter(|it| is_settable(it)) {
                routes.extend(destination(route).map(|to| ((table.as_str(), to), route)));
            }
        }
        let seen = query.ids.iter().filter_map(|id| {
            let (table, to) = parse(id)?;
            Some((id.clone(), see(id, table, routes.get(&(table, to))?)))
        });
        Ok(seen.collect())
    }

    async fn update(&self, aws: &Aws, _: &Id, _: &Self) -> Result<(), Fault> {
        with_all!(aws.ec2().replace_route(), self).send().await?;
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let Some((table, to)) = parse(id) else { return Err(Fault::bug(Self::TYPE, format!("{id} is no route's id"))) };
        let call = aws.ec2().delete_route().route_table_id(table);
        let call = match to {
            it if it.starts_with("pl-") => call.destination_prefix_list_id(it),
            it if it.contains(':') => call.destination_ipv6_cidr_block(it),
            it => call.destination_cidr_block(it),
        };
        call.send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        let id = self.id();
        let found = Self::read(aws, &Query { ids: vec![id.clone()], ..Query::default() }).await?;
        match found.into_values().next() {
            None => Ok(None),
            Some(it) if it.settings == *self => Ok(Some(id)),
            Some(_) => Err(Fault::new(Class::Exists, "ec2:CreateRoute", format!("{id} exists with another target"))),
        }
    }
}

impl Route {
    fn id(&self) -> Id {
        let to = [
            self.destination_cidr_block.as_deref(),
            self.destination_ipv6_cidr_block.as_deref(),
            self.destination_prefix_list_id.as_deref(),
        ];
        Id::new(format!("{}_{}", *self.route_table_id, to.into_iter().flatten().next().unwrap_or_default()))
    }
}

fn see(id: &Id, table: &str, it: &Live) -> Seen<Route> {
    // The API says `gateway_id` of endpoints too.
    let (vpc_endpoint_id, gateway_id) = match it.gateway_id.clone() {
        Some(it) if it.starts_with("vpce-") => (Some(it), None),
        it => (None, it),
    };
    let settings = Route {
        route_table_id: Fixed(table.to_owned()),
        destination_cidr_block: Fixed(it.destination_cidr_block().map(Cidr::from)),
        destination_ipv6_cidr_block: Fixed(it.destination_ipv6_cidr_block().map(Cidr6::from)),
        destination_prefix_list_id: Fixed(it.destination_prefix_list_id.clone()),
        gateway_id,
        nat_gateway_id: it.nat_gateway_id.clone(),
        network_interface_id: it.network_interface_id.clone(),
        transit_gateway_id: it.transit_gateway_id.clone(),
        vpc_peering_connection_id: it.vpc_peering_connection_id.clone(),
        egress_only_gateway_id: it.egress_only_internet_gateway_id.clone(),
        vpc_endpoint_id,
    };
    let state = it.state().map_or("active", |it| it.as_str()).to_owned();
    Seen { settings, outputs: Outputs { id: id.to_string(), state }, status: Status::Ready }
}
