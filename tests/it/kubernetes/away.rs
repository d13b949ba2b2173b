//! A server that starts again while it is asked.

use std::time::{Duration, Instant};

use infra::cloud::aws::limits::Limits;
use infra::cloud::aws::{Aws, Fence, Settings, StandIn, Wire};
use infra::cloud::kube::ClusterRef;
use infra::remote::Class;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const AWAY: Duration = Duration::from_millis(1500);

/// Serves no kind at all, a connection for each request.
async fn serve(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 4096];
        let _ = stream.read(&mut request).await;
        let body = r#"{"items":[]}"#;
        let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

#[tokio::test]
async fn a_read_outlasts_a_server_that_starts_again_and_not_one_that_never_answered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{ name: c, cluster: {{ server: 'http://{address}' }} }}]\n\
         current-context: c\ncontexts: [{{ name: c, context: {{ cluster: c, user: u }} }}]\nusers: [{{ name: u, user: {{}} }}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    let stand_in = StandIn { endpoint: format!("http://{address}"), access_key_id: "a".into(), secret_access_key: "b".into() };
    let settings = Settings { region: localstack::REGION.into(), stand_in: Some(stand_in), ..Settings::default() };
    let aws = Aws::connect(&settings, &Wire::new(Limits::off(), Fence::shut())).await;
    let cluster = ClusterRef::Context { kubeconfig: kubeconfig.to_str().unwrap().to_owned(), context: None };
    let connection = aws.kube().connection(&cluster, &aws).await.unwrap();
    let key = "ConfigMap/hold/one".parse().unwrap();

    drop(listener);
    let began = Instant::now();
    assert_eq!(connection.object(&key).await.unwrap_err().class, Class::Unreachable);
    assert!(began.elapsed() < AWAY, "nothing says that there is a server");

    let serving = tokio::spawn(serve(TcpListener::bind(address).await.unwrap()));
    assert_eq!(connection.object(&key).await, Ok(None));
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let back = async {
        tokio::time::sleep(AWAY).await;
        serve(TcpListener::bind(address).await.unwrap()).await;
    };
    tokio::select! {
        found = connection.object(&key) => assert_eq!(found, Ok(None)),
        () = back => unreachable!("it serves for ever"),
    }
}
