//! `aws_route_table_association`

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{RouteTable, RouteTableAssociation as Live, RouteTableAssociationStateCode as State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ask_by, filter, route_table};
use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Class, Fault, Id, Settle, Status, Token, tags};
use crate::resource::{Resource, Seen};
use crate::schema::Fixed;

/// Says which route table a subnet (or a gateway's incoming traffic) uses.
///
/// A subnet has at most one, so its id is the subnet's or gateway's own: AWS's association id changes with every change of the
/// table. It carries no tags; one that exists with the same table counts as ours after a creation whose answer was lost.
///
/// ```stack
/// resource "aws_vpc" "main" { cidr_block = "10.0.0.0/16" }
///
/// resource "aws_subnet" "a" {
///   vpc_id     = aws_vpc.main.id
///   cidr_block = "10.0.0.0/24"
/// }
///
/// resource "aws_route_table" "private" { vpc_id = aws_vpc.main.id }
///
/// resource "aws_route_table_association" "a" {
///   subnet_id      = aws_subnet.a.id
///   route_table_id = aws_route_table.private.id
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteTableAssociation {
    /// The table that the subnet or gateway uses.
    pub route_table_id: String,
    /// The subnet that uses the table.
    #[serde(default)]
    pub subnet_id: Fixed<Option<String>>,
    /// The gateway that uses the table for what comes in.
    #[serde(default)]
    pub gateway_id: Fixed<Option<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outputs {
    /// AWS's own id of the association.
    pub id: String,
}

fn partner(it: &Live) -> Option<&str> {
    it.subnet_id().or(it.gateway_id())
}

fn collect(tables: &[RouteTable], into: &mut BTreeMap<String, Live>) {
    for it in tables.iter().flat_map(RouteTable::associations) {
        let gone = it.association_state().and_then(|it| it.state()) == Some(&State::Disassociated);
        if let (Some(partner), false) = (partner(it), gone) {
            into.insert(partner.to_owned(), it.clone());
        }
    }
}

/// By subnet or gateway. In a plan: those of this lineage's tables first, the answer that tables and routes use too.
async fn associations(aws: &Aws, query: &Query) -> Result<BTreeMap<String, Live>, Fault> {
    let mut found = BTreeMap::new();
    if let (true, Some(lineage)) = (query.shared, &query.lineage) {
        let mine = vec![filter(&format!("tag:{}", tags::LINEAGE), [lineage])];
        let key = format!("{} {lineage}", route_table::LISTING.call);
        collect(&aws.shared(true, key, || route_table::list(aws, mine)).await?, &mut found);
    }
    let rest: Vec<&str> = query.ids.iter().map(Id::as_str).filter(|it| !found.contains_key(*it)).collect();
    let (subnets, gateways): (Vec<_>, Vec<_>) = rest.into_iter().partition(|it| it.starts_with("subnet-"));
    for (name, ids) in [("association.subnet-id", subnets), ("association.gateway-id", gateways)] {
        collect(&ask_by(name, &ids, |filters| route_table::list(aws, filters)).await?, &mut found);
    }
    Ok(found)
}

async fn association_id(aws: &Aws, id: &Id) -> Result<String, Fault> {
    let query = Query { ids: vec![id.clone()], ..Query::default() };
    let found = associations(aws, &query).await?.remove(id.as_str()).and_then(|it| it.route_table_association_id);
    found.ok_or_else(|| Fault::new(Class::Missing, route_table::LISTING.call, format!("{id} has no route table of its own")))
}

impl Resource for RouteTableAssociation {
    const TYPE: &'static str = "aws_route_table_association";
    const SETTLE: Settle = super::SETTLE;
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[(&["subnet_id", "gateway_id"], true)];
    /// `DeleteSubnet` asks for no disassociation before, unlike `DeleteRouteTable` (EC2 API reference).
    const PART_OF: Option<&'static str> = Some("subnet_id");
    const DELETED_AT_ONCE: bool = super::DELETED_AT_ONCE;
    type Outputs = Outputs;

    async fn create(&self, aws: &Aws, _: &Token) -> Result<Id, Fault> {
        aws.ec2()
            .associate_route_table()
            .route_table_id(&self.route_table_id)
            .set_subnet_id(self.subnet_id.0.clone())
            .set_gateway_id(self.gateway_id.0.clone())
            .send()
            .await?;
        Ok(self.id())
    }

    async fn read(aws: &Aws, query: &Query) -> Result<BTreeMap<Id, Seen<Self>>, Fault> {
        let found = associations(aws, query).await?;
        Ok(query.ids.iter().filter_map(|id| Some((id.clone(), see(found.get(id.as_str())?)))).collect())
    }

    async fn update(&self, aws: &Aws, id: &Id, _: &Self) -> Result<(), Fault> {
        let association = association_id(aws, id).await?;
        let call = aws.ec2().replace_route_table_association().association_id(association);
        call.route_table_id(&self.route_table_id).send().await?;
        Ok(())
    }

    async fn delete(&self, aws: &Aws, id: &Id) -> Result<(), Fault> {
        let association = association_id(aws, id).await?;
        aws.ec2().disassociate_route_table().association_id(association).send().await?;
        Ok(())
    }

    async fn find(&self, aws: &Aws, _: &Token) -> Result<Option<Id>, Fault> {
        let id = self.id();
        let found = associations(aws, &Query { ids: vec![id.clone()], ..Query::default() }).await?;
        match found.get(id.as_str()) {
            None => Ok(None),
            Some(it) if it.route_table_id() == Some(&self.route_table_id) => Ok(Some(id)),
            Some(_) => {
                let why = format!("{id} is associated with another route table");
                Err(Fault::new(Class::Exists, "ec2:AssociateRouteTable", why))
            }
        }
    }
}

impl RouteTableAssociation {
    fn id(&self) -> Id {
        Id::new(self.subnet_id.as_deref().or(self.gateway_id.as_deref()).unwrap_or_default())
    }
}

fn see(it: &Live) -> Seen<RouteTableAssociation> {
    let state = it.association_state();
    let status = match state.and_then(|it| it.state()) {
        Some(State::Associated) | None => Status::Ready,
        Some(State::Failed) => {
            Status::Failed(state.and_then(|it| it.status_message()).unwrap_or("the association failed").to_owned())
        }
        Some(other) => Status::Pending(other.as_str().to_owned()),
    };
    let settings = RouteTableAssociation {
        route_table_id: it.route_table_id.clone().unwrap_or_default(),
        subnet_id: Fixed(it.subnet_id.clone()),
        gateway_id: Fixed(it.gateway_id.clone()),
    };
    Seen { settings, outputs: Outputs { id: it.route_table_association_id.clone().unwrap_or_default() }, status }
}
