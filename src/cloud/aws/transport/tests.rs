//! What is tried again, what is sent once, what is not sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::http::StatusCode;

use super::*;
use crate::cloud::aws::{Aws, Settings, StandIn};
use crate::remote::Fault;

/// Answers what it was told to, in order; the last answer again and again.
#[derive(Clone, Debug)]
struct Script {
    answers: Arc<Mutex<VecDeque<Scene>>>,
    sent: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug)]
enum Scene {
    Says(u16, &'static str),
    /// The connection is refused.
    Refused,
    /// The connection drops once the request is out.
    Dropped,
    Silent,
}

impl Script {
    fn new(answers: impl IntoIterator<Item = Scene>) -> Self {
        Self { answers: Arc::new(Mutex::new(answers.into_iter().collect())), sent: Arc::default() }
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl HttpClient for Script {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Script {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        self.sent.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let scene = if answers.len() > 1 { answers.pop_front() } else { answers.front().copied() };
        HttpConnectorFuture::new(async move {
            use std::io::{Error, ErrorKind};
            match scene.unwrap() {
                Scene::Says(status, body) => {
                    let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
                    response.headers_mut().insert("x-amzn-requestid", "r");
                    Ok(response)
                }
                Scene::Refused => Err(ConnectorError::io(Error::from(ErrorKind::ConnectionRefused).into())),
                Scene::Dropped => Err(ConnectorError::io(Error::from(ErrorKind::ConnectionReset).into())),
                Scene::Silent => std::future::pending().await,
            }
        })
    }
}

const THROTTLED: Scene = Scene::Says(
    503,
    "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>",
);
const NO_VPCS: Scene = Scene::Says(200, "<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>");
const MADE: Scene = Scene::Says(200, "<CreateVpcResponse><vpc><vpcId>vpc-1</vpcId></vpc></CreateVpcResponse>");

async fn aws(script: &Script, fence: Fence) -> Aws {
    let stand_in = StandIn { endpoint: "http://aws.invalid".into(), access_key_id: "a".into(), secret_access_key: "b".into() };
    let settings = Settings { region: "eu-west-1".into(), stand_in: Some(stand_in), ..Settings::default() };
    Aws::connect(&settings, &Wire::over(SharedHttpClient::new(script.clone()), Limits::off(), fence)).await
}

async fn read(aws: &Aws) -> Result<(), Fault> {
    aws.ec2().describe_vpcs().send().await?;
    Ok(())
}

async fn create(aws: &Aws) -> Result<(), Fault> {
    aws.ec2().create_vpc().cidr_block("10.0.0.0/16").send().await?;
    Ok(())
}

struct Says(bool);

impl Gate for Says {
    fn allows(&self, _: Duration) -> bool {
        self.0
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_is_tried_again() {
    for failure in [THROTTLED, Scene::Dropped, Scene::Silent, Scene::Says(500, "")] {
        let script = Script::new([failure, failure, NO_VPCS]);
        assert_eq!(read(&aws(&script, Fence::shut()).await).await, Ok(()), "{failure:?}");
        assert_eq!(script.sent(), 3, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_read_gives_up_in_the_end() {
    let script = Script::new([THROTTLED]);
    let fault = read(&aws(&script, Fence::shut()).await).await.unwrap_err();
    assert_eq!((fault.class, fault.call.as_str()), (Class::Busy, "ec2:DescribeVpcs"));
    assert_eq!((fault.code.as_deref(), fault.request_id.as_deref()), (Some("RequestLimitExceeded"), Some("r")));
    assert!(script.sent() > 5);
}

#[tokio::test(start_paused = true)]
async fn a_mutation_is_sent_once_and_its_outcome_is_told() {
    for (failure, class) in [
        (THROTTLED, Class::Busy),
        (Scene::Dropped, Class::Unknown),
        (Scene::Silent, Class::Unknown),
        (Scene::Refused, Class::Unreachable),
    ] {
        let script = Script::new([failure]);
        let fault = create(&aws(&script, Fence::open()).await).await.unwrap_err();
        assert_eq!((fault.class, fault.call.as_str()), (class, "ec2:CreateVpc"), "{failure:?}: {fault}");
        assert_eq!(script.sent(), 1, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_changed_without_the_lock() {
    let script = Script::new([MADE]);
    let fence = Fence::shut();
    let aws = aws(&script, fence.clone()).await;
    assert_eq!(create(&aws).await.unwrap_err().class, Class::Fenced);
    fence.guard(Arc::new(Says(false)), Duration::from_secs(20));
    assert_eq!(create(&aws).await.unwrap_err().class, Class::Fenced);
    assert_eq!(script.sent(), 0);
    fence.guard(Arc::new(Says(true)), Duration::from_secs(20));
    assert_eq!(create(&aws).await, Ok(()));
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mutation_ends_what_was_remembered() {
    let script = Script::new([MADE]);
    let aws = aws(&script, Fence::open()).await;
    let ask = |answer: u8| async move { Ok(answer) };
    assert_eq!(*aws.shared(true, "k".into(), || ask(1)).await.unwrap(), 1);
    assert_eq!(*aws.shared(true, "k".into(), || ask(2)).await.unwrap(), 1);
    create(&aws).await.unwrap();
    assert_eq!(*aws.shared(true, "k".into(), || ask(2)).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_name() {
    let script = Script::new([NO_VPCS]);
    let stand_in = StandIn { endpoint: "http://aws.invalid".into(), access_key_id: "a".into(), secret_access_key: "b".into() };
    let settings = Settings { region: "eu-west-1".into(), stand_in: Some(stand_in), ..Settings::default() };
    let wire = Wire::over(SharedHttpClient::new(script), Limits::off(), Fence::shut());
    let aws = Aws::connect(&settings, &wire).await;
    read(&aws).await.unwrap();
    read(&aws).await.unwrap();
    assert_eq!(wire.calls(), [("ec2:DescribeVpcs".to_owned(), 2)].into());
}

#[tokio::test]
async fn a_profile_that_is_not_there_is_a_matter_of_credentials() {
    let script = Script::new([NO_VPCS]);
    let settings = Settings { region: "eu-west-1".into(), profile: Some("no-such-profile".into()), ..Settings::default() };
    let wire = Wire::over(SharedHttpClient::new(script.clone()), Limits::off(), Fence::shut());
    let aws = Aws::connect(&settings, &wire).await;
    let fault = read(&aws).await.unwrap_err();
    assert_eq!((fault.class, fault.call.as_str()), (Class::Credentials, "ec2:DescribeVpcs"), "{fault}");
    assert_eq!(script.sent(), 0);
    assert_eq!(aws.credentials_end().await.unwrap_err().class, Class::Credentials);
}
