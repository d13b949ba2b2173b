use aws_sdk_ssm::types::ParameterType;
use infra::cloud::{Cloud, Target};
use infra::remote::{Class, ConfigName, Fault};
use infra::value::Value;

use super::bench::{ACCOUNT, Bench};

async fn ask(bench: &Bench, type_name: &str) -> Value {
    ask_of(bench, type_name, Value::object::<&str>([])).await.unwrap()
}

async fn ask_of(bench: &Bench, type_name: &str, arguments: Value) -> Result<Value, Fault> {
    let target = Target { type_name: type_name.into(), config: ConfigName::default() };
    bench.clouds.data(&target, &arguments).await
}

#[tokio::test]
async fn data_sources_say_who_and_where_one_is() {
    let bench = Bench::new().await;
    assert_eq!(ask(&bench, "aws_caller_identity").await.get("account_id"), Value::from(ACCOUNT));
    assert_eq!(ask(&bench, "aws_region").await.get("region"), Value::from(localstack::REGION));
    let partition = ask(&bench, "aws_partition").await;
    assert_eq!(partition.get("partition"), Value::from("aws"));
    assert_eq!(partition.get("reverse_dns_prefix"), Value::from("com.amazonaws"));
    let zones = ask(&bench, "aws_availability_zones").await;
    let names = zones.get("names");
    let names: Vec<_> = names.items().unwrap().into_iter().filter_map(Value::as_str).map(str::to_owned).collect();
    assert!(names.len() >= 2 && names.is_sorted() && names.iter().all(|it| it.starts_with(localstack::REGION)), "{names:?}");
}

#[tokio::test]
async fn a_parameter_is_shown_only_if_it_is_no_secret() {
    let bench = Bench::new().await;
    let of = |name: &str| ask_of(&bench, "aws_ssm_parameter", Value::object([("name", Value::from(name))]));
    let release = "/aws/service/eks/optimized-ami/1.36/amazon-linux-2023/x86_64/standard/recommended/release_version";
    let release = of(release).await.unwrap();
    assert!(release.get("insecure_value").as_str().is_some_and(|it| it.starts_with("1.36.")), "{release:?}");
    assert!(release.get("value").has_secret());

    let ssm = bench.clouds.config(&ConfigName::default()).unwrap().ssm();
    let name = super::bench::unique("/contract/secret");
    ssm.put_parameter().name(&name).value("hunter2").r#type(ParameterType::SecureString).send().await.unwrap();
    let secret = of(&name).await.unwrap();
    assert!(secret.get("value").has_secret() && !format!("{secret:?}").contains("hunter2"), "{secret:?}");
    assert!(secret.get("insecure_value").is_null());
    assert_eq!(of("/contract/none").await.unwrap_err().class, Class::Missing);
}
