use infra::cloud::{Cloud, Target};
use infra::remote::ConfigName;
use infra::value::Value;

use super::bench::{ACCOUNT, Bench};

async fn ask(bench: &Bench, type_name: &str) -> Value {
    let target = Target { type_name: type_name.into(), config: ConfigName::default() };
    bench.clouds.data(&target, &Value::object::<&str>([])).await.unwrap()
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
