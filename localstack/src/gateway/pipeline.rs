//! The way of one call: understood, counted, checked, maybe hit by a fault, answered, logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Request, Response};

use super::message::{Answer, Body, Call, Payload};
use super::protocol::{Protocol, Refusal, identify};
use super::{Dropped, Local, access, action};
use crate::control::{self, Effect, Hit, Subject};
use crate::form::Form;
use crate::service::{self, Service};
use crate::sigv4::Claim;
use crate::{ids, lock};

/// What stands in for an account where a call is refused before its account is known.
const NOBODY: &str = "-";

/// Answers one request, or says that its connection is to be dropped.
pub async fn answer(local: &Arc<Local>, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    if request.uri().path().starts_with(control::PREFIX) {
        return Ok(control::answer(local, request).await.into_response());
    }
    let started = Instant::now();
    let request_id = ids::request_id();
    let understood = understand(local, request, &request_id).await;
    let (subject, protocol, outcome) = match understood {
        Ok(call) => {
            let subject = Subject {
                account: call.account.clone(),
                region: call.region.clone(),
                service: call.service.name,
                action: call.action.clone(),
            };
            let protocol = call.protocol;
            let _in_flight = local.control.calls.begin(&subject);
            let outcome = settle(local, call, &subject).await;
            (subject, protocol, outcome)
        }
        Err((subject, protocol, refusal)) => {
            drop(local.control.calls.begin(&subject));
            (subject, protocol, Ok(Err(refusal)))
        }
    };
    let mut reply = match outcome {
        Ok(Ok(reply)) => reply,
        Ok(Err(refusal)) => refusal.to_reply(protocol, &request_id),
        Err(dropped) => {
            local.control.log.add(&subject, 0, &request_id, started);
            return Err(dropped);
        }
    };
    identify(&mut reply, protocol, &request_id);
    let latency = local.control.settings(&subject.account).latency_ms;
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    local.control.log.add(&subject, reply.status.as_u16(), &request_id, started);
    Ok(reply.into_response())
}

type NotUnderstood = (Subject, Protocol, Refusal);

async fn understand(local: &Local, request: Request<Incoming>, request_id: &str) -> Result<Call, NotUnderstood> {
    let (parts, body) = request.into_parts();
    let claim = Claim::of(&parts);
    let service = match &claim {
        Some(claim) => service::find(&claim.service),
        None => service::find("s3"),
    };
    let name = claim.as_ref().map_or("s3", |claim| &claim.service);
    let Some(service) = service else {
        let refusal = Refusal::with_status(501, "UnknownService", format!("the local cloud does not serve {name}"));
        let subject = Subject::new(NOBODY, "-", "-", name);
        return Err((subject, Protocol::Json, refusal));
    };
    let protocol = protocol_of(service, &parts);
    let refuse = |account: &str, action: &str, refusal: Refusal| {
        let region = claim.as_ref().map_or("-", |claim| &claim.region);
        let subject = Subject::new(account, region, service.name, action);
        (subject, protocol, refusal)
    };
    let Some(claim) = &claim else {
        return Err(refuse(NOBODY, "-", access::unsigned(protocol)));
    };
    let body = take(service, &parts, body).await.map_err(|failure| {
        let refusal = Refusal::new("IncompleteBody", failure.to_string());
        refuse(NOBODY, "-", refusal)
    })?;
    let form = match protocol {
        Protocol::Ec2 | Protocol::Query => {
            Form::parse(&[parts.uri.query().unwrap_or_default(), &String::from_utf8_lossy(body.bytes())].join("&"))
        }
        _ => Form::default(),
    };
    let action = action::name(service.name, &parts, &form);
    let hashable = match &body {
        Payload::Whole(bytes) => Some(bytes.as_ref()),
        Payload::Document(_) | Payload::Stream(_) => None,
    };
    let account = local.keys.account(claim, &parts, hashable, protocol).map_err(|refusal| refuse(NOBODY, &action, refusal))?;
    Ok(Call {
        service,
        action,
        account,
        region: claim.region.clone(),
        protocol,
        request_id: request_id.to_owned(),
        parts,
        body,
        form,
    })
}

/// SQS, SNS and others take both Query and JSON; the request shows which.
fn protocol_of(service: &Service, parts: &Parts) -> Protocol {
    if parts.headers.contains_key("x-amz-target") { Protocol::Json } else { service.protocol }
}

/// Objects stream through; whatever a rule may want to read is collected.
async fn take(service: &Service, parts: &Parts, body: Incoming) -> Result<Payload, hyper::Error> {
    let is_object = parts.uri.path().trim_matches('/').contains('/');
    if service.name == "s3" && parts.method == Method::PUT && is_object {
        return Ok(Payload::Stream(body));
    }
    Ok(Payload::Whole(body.collect().await?.to_bytes()))
}

/// Rates and faults first, then the service, then what may happen to its answer.
async fn settle(local: &Arc<Local>, call: Call, subject: &Subject) -> Result<Answer, Dropped> {
    let control = &local.control;
    let protocol = call.protocol;
    if control.settings(&subject.account).rates && !lock(&control.rates).take(subject) {
        return Ok(Err(control::throttled(subject, protocol)));
    }
    let Some(hit) = control.faults.strike(subject) else { return Ok(finish(local, call).await) };
    match hit.effect {
        Effect::LatencyMs(wait) => {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            Ok(finish(local, call).await)
        }
        Effect::LostRequest => Err(Dropped),
        Effect::LostAnswer => {
            // Done, whatever it says; the caller only learns that the connection broke.
            let _: Answer = finish(local, call).await;
            Err(Dropped)
        }
        Effect::Hang => std::future::pending().await,
        Effect::Unanswered => {
            let _: Answer = finish(local, call).await;
            std::future::pending().await
        }
        Effect::Detain => Ok(detained(local, call, hit).await),
        Effect::Quote => Ok(Err(quoting(&call))),
        Effect::Refuse(refusal) => Ok(Err(refusal)),
        Effect::Throttle => Ok(Err(control::throttled(subject, protocol))),
        Effect::Deny => Ok(Err(control::denied(subject, protocol))),
        Effect::Quota => Ok(Err(control::quota(subject))),
    }
}

/// The call is not valid, in its own words.
fn quoting(call: &Call) -> Refusal {
    let quoted = match call.form.names().next() {
        Some(_) => call.form.values().collect::<Vec<_>>().join("', '"),
        None => String::from_utf8_lossy(call.body.bytes()).into_owned(),
    };
    let code = match call.protocol {
        Protocol::Ec2 => "InvalidParameterValue",
        Protocol::S3 | Protocol::RestXml => "InvalidRequest",
        Protocol::Query => "ValidationError",
        Protocol::Json => "ValidationException",
        Protocol::RestJson => "InvalidParameterException",
    };
    Refusal::new(code, format!("The value '{quoted}' is not valid"))
}

/// It is on its way, whatever becomes of its caller.
async fn detained(local: &Arc<Local>, call: Call, hit: Hit) -> Answer {
    let local = local.clone();
    let work = tokio::spawn(async move {
        hit.until_lifted().await;
        finish(&local, call).await
    });
    work.await.unwrap_or_else(|failure| Err(Refusal::internal(failure.to_string())))
}

/// A call that was taken is carried out to its end, also when its caller goes away meanwhile.
async fn finish(local: &Arc<Local>, call: Call) -> Answer {
    let local = local.clone();
    let work = tokio::spawn(async move {
        let _under_way = local.control.calls.carry_out(&call.account.clone());
        service::serve(&local, call).await
    });
    work.await.unwrap_or_else(|failure| Err(Refusal::internal(failure.to_string())))
}
