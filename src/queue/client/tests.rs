//! The real SDK against canned answers on loopback: what is asked, and what each answer means.

use aws_config::BehaviorVersion;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_sdk_sqs::config::SharedCredentialsProvider;

use super::super::Entry;
use super::super::canned_http::{Canned, CannedHttp, sdk_config};
use super::*;

const URL: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/log-events";

async fn queue_that_answers(answers: Vec<Canned>) -> (Queue, CannedHttp) {
    let server = CannedHttp::start(answers).await;
    let queue = Queue::with_attempts(&sdk_config(&server.origin), URL, 1).expect("a queue");
    (queue, server)
}

async fn receive_error(answer: Canned) -> QueueError {
    let (queue, _server) = queue_that_answers(vec![answer]).await;
    queue.receive(10, Duration::ZERO, None).await.expect_err("a refusal")
}

fn refusal(status: u16, code: &str, message: &str) -> Canned {
    let body = format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"{message}"}}"#);
    Canned::answer(status, body)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", "11111111-2222-3333-4444-555555555555")
}

fn entry(number: usize) -> Entry {
    Entry { message_id: format!("m{number}"), receipt_handle: format!("handle-{number}") }
}

#[tokio::test]
async fn a_received_message_brings_its_count_and_times() {
    let body = r#"{"Messages":[
        {"MessageId":"m1","ReceiptHandle":"handle-1","Body":"{\"Records\":[]}","Attributes":{
            "ApproximateReceiveCount":"3","SentTimestamp":"1795000000123",
            "ApproximateFirstReceiveTimestamp":"1795000000456"}},
        {"MessageId":"m2","ReceiptHandle":"handle-2"},
        {"MessageId":"m3","Body":"nobody can settle this one"}]}"#;
    let (queue, server) = queue_that_answers(vec![Canned::answer(200, body)]).await;

    let wait = Duration::from_mins(1);
    let visibility = Some(Duration::from_millis(30_500));
    let messages = queue.receive(50, wait, visibility).await.expect("messages");

    assert_eq!(
        messages,
        [
            Message {
                id: "m1".into(),
                receipt_handle: "handle-1".into(),
                body: r#"{"Records":[]}"#.into(),
                receive_count: 3,
                sent_at_millis: Some(1_795_000_000_123),
                first_received_at_millis: Some(1_795_000_000_456),
            },
            Message {
                id: "m2".into(),
                receipt_handle: "handle-2".into(),
                body: String::new(),
                receive_count: 1,
                sent_at_millis: None,
                first_received_at_millis: None,
            },
        ]
    );
    let request = &server.requests()[0];
    for asked in [
        r#""MaxNumberOfMessages":10"#,
        r#""WaitTimeSeconds":20"#,
        r#""VisibilityTimeout":31"#,
        r#"["ApproximateFirstReceiveTimestamp","ApproximateReceiveCount","SentTimestamp"]"#,
        "/eu-west-1/sqs/aws4_request",
    ] {
        assert!(request.contains(asked), "{asked} is not in {request}");
    }
}

#[tokio::test]
async fn an_answer_without_messages_is_an_empty_receive() {
    for body in ["{}", r#"{"Messages":[]}"#] {
        let (queue, _server) = queue_that_answers(vec![Canned::answer(200, body)]).await;
        assert_eq!(queue.receive(1, Duration::ZERO, None).await.expect("nothing"), []);
    }
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_names_queue_request_and_next_step() {
    let permission = "sqs:ReceiveMessage";
    for (status, code, kind, next_step, is_transient) in [
        (400, "QueueDoesNotExist", "queue_missing", "account, name and region", false),
        (400, "AWS.SimpleQueueService.NonExistentQueue", "queue_missing", "create", false),
        (400, "AccessDeniedException", "access_denied", permission, false),
        (403, "AccessDenied", "access_denied", permission, false),
        (400, "KMS.AccessDeniedException", "access_denied", "kms:Decrypt", false),
        (400, "KMS.DisabledException", "access_denied", "key is enabled", false),
        (403, "ExpiredTokenException", "no_credentials", "renew", false),
        (403, "InvalidClientTokenId", "no_credentials", "renew", false),
        (403, "InvalidSignatureException", "no_credentials", "clock", false),
        (400, "RequestThrottled", "throttled", "less often", true),
        (400, "ThrottlingException", "throttled", "less often", true),
        (403, "OverLimit", "throttled", "less often", true),
        (500, "InternalFailure", "other", "API reference", true),
        (400, "UnsupportedOperation", "other", "API reference", false),
    ] {
        let error = receive_error(refusal(status, code, "said SQS")).await;
        let line = error.to_string();
        assert_eq!(error.kind(), kind, "{line}");
        assert_eq!(error.is_transient(), is_transient, "{line}");
        for part in [URL, next_step, code, "said SQS", "request id 11111111-2222"] {
            assert!(line.contains(part), "{part} is not in: {line}");
        }
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn the_mistakes_of_a_first_day_are_told_in_full() {
    let denied = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: \
                  sqs:ReceiveMessage on resource: arn:aws:sqs:eu-west-1:123456789012:log-events \
                  because no identity-based policy allows the sqs:ReceiveMessage action";
    let key = "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: kms:Decrypt \
               on resource: arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d";
    let mut told = Vec::new();
    for (code, message) in [
        ("QueueDoesNotExist", "The specified queue does not exist."),
        ("AccessDeniedException", denied),
        ("KmsAccessDenied", key),
        ("KmsDisabled", "arn:x is disabled"),
        ("ExpiredTokenException", "The security token included in the request is expired"),
    ] {
        told.push(receive_error(refusal(400, code, message)).await.to_string());
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    cannot receive messages from queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: it does not exist in region eu-west-1, which its URL names (HTTP 400 QueueDoesNotExist: The specified queue does not exist., request id 11111111-2222-3333-4444-555555555555); check account, name and region (aws sqs get-queue-url --queue-name log-events --region REGION prints the URL where the queue is), or create the queue
    cannot receive messages from queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: access denied (HTTP 400 AccessDeniedException: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: sqs:ReceiveMessage on resource: arn:aws:sqs:eu-west-1:123456789012:log-events because no identity-based policy allows the sqs:ReceiveMessage action, request id 11111111-2222-3333-4444-555555555555); allow sqs:ReceiveMessage on arn:aws:sqs:eu-west-1:123456789012:log-events in the caller's IAM policy, and in the queue policy if the queue is in another account
    cannot receive messages from queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: its KMS key cannot be used (HTTP 400 KmsAccessDenied: User: arn:aws:iam::123456789012:user/bob is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d, request id 11111111-2222-3333-4444-555555555555); allow kms:Decrypt on arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c4d in the caller's IAM policy and in the key policy, and check that the key is enabled
    cannot receive messages from queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: its KMS key cannot be used (HTTP 400 KmsDisabled: arn:x is disabled, request id 11111111-2222-3333-4444-555555555555); allow kms:Decrypt on the key of the queue in the caller's IAM policy and in the key policy, and check that the key is enabled
    cannot receive messages from queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: the AWS credentials were refused (HTTP 400 ExpiredTokenException: The security token included in the request is expired, request id 11111111-2222-3333-4444-555555555555); renew them, and check the clock of this host
    "#);
}

#[tokio::test]
async fn the_mistakes_before_any_answer_are_told_in_full() {
    let config = sdk_config("http://127.0.0.1:9");
    let no_region = Queue::new(&config, "http://localhost:1/000000000000/trail");
    let mut told = vec![no_region.expect_err("no region").to_string()];
    let config = config.into_builder().region(Region::new("eu-north-1")).build();
    let elsewhere = "http://127.0.0.1:1/000000000000/trail";
    let answer = refusal(400, "QueueDoesNotExist", "The specified queue does not exist.");
    let server = CannedHttp::start([answer]).await;
    let missing = config.to_builder().endpoint_url(&server.origin).build();
    let queue = Queue::with_attempts(&missing, elsewhere, 1).expect("a queue");
    told.push(queue.attributes().await.expect_err("no queue").to_string());
    let unreachable = Queue::with_attempts(&config, URL, 1).expect("a queue");
    let error = unreachable.attributes().await.expect_err("no endpoint");
    assert_eq!(error.region_and_request_id(), (Some("eu-west-1"), None));
    told.push(error.to_string());
    insta::assert_snapshot!(told.join("\n"), @r#"
    no region is known for queue http://localhost:1/000000000000/trail: its URL names none, and neither AWS_REGION nor the AWS profile is set to one; set AWS_REGION, for example AWS_REGION=eu-west-1
    cannot read the attributes of queue http://127.0.0.1:1/000000000000/trail: it does not exist in region eu-north-1, which AWS_REGION or the profile names, as its URL has none (HTTP 400 QueueDoesNotExist: The specified queue does not exist., request id 11111111-2222-3333-4444-555555555555); check account, name and region (aws sqs get-queue-url --queue-name trail --region REGION prints the URL where the queue is), or create the queue
    cannot read the attributes of queue https://sqs.eu-west-1.amazonaws.com/123456789012/log-events: its endpoint in region eu-west-1 cannot be reached (io error: client error (Connect): tcp connect error: Connection refused (os error 111)); check the region in the URL, DNS, network, proxy and AWS_ENDPOINT_URL
    "#);
}

#[tokio::test]
async fn the_request_id_is_kept_beside_the_words() {
    let error = receive_error(refusal(400, "AccessDeniedException", "no")).await;
    let id = "11111111-2222-3333-4444-555555555555";
    assert_eq!(error.region_and_request_id(), (Some("eu-west-1"), Some(id)));
}

#[tokio::test]
async fn the_code_of_the_query_protocol_in_a_header_means_the_same() {
    let answer = refusal(400, "QueueDoesNotExist", "gone")
        .header("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender");
    let error = receive_error(answer).await;
    assert!(matches!(error, QueueError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_sqs_and_answers_is_reported_by_its_status() {
    let error = receive_error(Canned::answer(502, "<html>Bad Gateway</html>")).await;
    assert!(error.is_transient() && error.to_string().contains("HTTP 502"), "{error}");
    let error = receive_error(Canned::answer(200, "not json")).await;
    assert_eq!(error.kind(), "other");
    assert!(error.is_transient(), "{error}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_transient() {
    let error = receive_error(Canned::Cut { body: br#"{"Messages":["#.to_vec() }).await;
    assert!(error.is_transient(), "{error}");
    assert!(error.to_string().contains(URL), "{error}");
}

#[tokio::test]
async fn a_connection_that_closes_before_the_answer_is_of_the_whole_queue() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let queue = Queue::new(&sdk_config(&origin), URL).expect("a queue");
    let error = queue.receive(1, Duration::ZERO, None).await.expect_err("no answer");
    assert_eq!(error.kind(), "unreachable", "{error}");
}

#[tokio::test]
async fn text_of_others_stays_on_one_line_of_bounded_length() {
    let message = format!("first\\nsecond\\u001b[31m{}", "x".repeat(5000));
    let line = receive_error(refusal(400, "Odd", &message)).await.to_string();
    assert!(!line.chars().any(char::is_control), "{line}");
    assert!(line.len() < 1000 && line.contains("request id"), "{line}");
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let queue = Queue::with_attempts(&sdk_config(&format!("http://{address}")), URL, 1);
    let error = queue.expect("a queue").attributes().await.expect_err("no connection");
    assert_eq!((error.kind(), error.is_transient()), ("unreachable", true), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn missing_credentials_are_told_apart_from_a_dead_network() {
    let server = CannedHttp::start([]).await;
    let without_provider = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&server.origin)
        .build();
    let empty_provider = ProfileFileCredentialsProvider::builder()
        .profile_name("deltrail-test-has-no-such-profile")
        .build();
    let with_empty_provider = without_provider
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(empty_provider))
        .build();
    for config in [without_provider, with_empty_provider] {
        let queue = Queue::with_attempts(&config, URL, 1).expect("a queue");
        let error = queue.attributes().await.expect_err("no credentials");
        assert_eq!(error.kind(), "no_credentials", "{error}");
        assert!(error.to_string().contains("give the task or instance a role"), "{error}");
        assert!(error.is_of_whole_queue());
    }
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn an_expired_deadline_is_a_timeout() {
    let queue = Queue::new(&sdk_config("http://unused"), URL).expect("a queue");
    let call = queue.call(Operation::Receive);
    let error: aws_sdk_sqs::error::SdkError<
        aws_sdk_sqs::operation::receive_message::ReceiveMessageError,
    > = aws_sdk_sqs::error::SdkError::timeout_error("attempt took longer than 30s");
    let error = QueueError::of(call, &error);
    assert_eq!(error.kind(), "timeout");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_batch_hands_back_the_entries_that_were_refused() {
    let body = r#"{"Successful":[{"Id":"0"}],"Failed":[
        {"Id":"2","Code":"ReceiptHandleIsInvalid","SenderFault":true,"Message":"stale"},
        {"Id":"1","Code":"InternalError","SenderFault":false}]}"#;
    let (queue, server) = queue_that_answers(vec![Canned::answer(200, body)]).await;
    let entries: Vec<Entry> = (0..4).map(entry).collect();

    let failures = queue.delete(&entries).await.expect("a partial success");

    let told: Vec<_> =
        failures.iter().map(|f| (f.index, f.code.as_str(), f.sender_fault, f.lease_lost)).collect();
    assert_eq!(
        told,
        [
            (1, "InternalError", false, false),
            (2, "ReceiptHandleIsInvalid", true, true),
            (3, "Unanswered", false, false),
        ]
    );
    assert_eq!(failures[1].entry, entry(2));
    assert!(server.requests()[0].contains(r#""ReceiptHandle":"handle-3""#));
}

#[tokio::test]
async fn eleven_entries_go_in_two_calls_and_keep_their_places() {
    let all_done: Vec<String> = (0..10).map(|id| format!(r#"{{"Id":"{id}"}}"#)).collect();
    let first = format!(r#"{{"Successful":[{}],"Failed":[]}}"#, all_done.join(","));
    let second = r#"{"Successful":[],"Failed":[
        {"Id":"0","Code":"MessageNotInflight","SenderFault":true}]}"#;
    let (queue, server) =
        queue_that_answers(vec![Canned::answer(200, first), Canned::answer(200, second)]).await;
    let changes: Vec<_> = (0..11).map(|n| (entry(n), Duration::from_hours(25))).collect();

    let failures = queue.change_visibility(&changes).await.expect("a partial success");

    assert_eq!(failures.len(), 1);
    assert_eq!((failures[0].index, failures[0].lease_lost), (10, true));
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].contains(r#""VisibilityTimeout":43200"#), "{}", requests[1]);
}

#[tokio::test]
async fn a_lease_lost_in_other_words_is_a_lease_lost() {
    let stale = "Value handle-0 for parameter ReceiptHandle is invalid. Reason: Message does not \
                 exist or is not available for visibility timeout change.";
    let too_long = "Value 50000 for parameter VisibilityTimeout is invalid.";
    let failed = [(0, stale), (1, too_long)].map(|(id, message)| {
        format!(
            r#"{{"Id":"{id}","Code":"InvalidParameterValue","SenderFault":true,
            "Message":"{message}"}}"#
        )
    });
    let body = format!(r#"{{"Successful":[],"Failed":[{}]}}"#, failed.join(","));
    let (queue, _server) = queue_that_answers(vec![Canned::answer(200, body)]).await;
    let changes = [(entry(0), Duration::ZERO), (entry(1), Duration::ZERO)];

    let failures = queue.change_visibility(&changes).await.expect("a partial success");

    assert!(failures[0].lease_lost && !failures[1].lease_lost);
    assert!(failures[1].beyond_limit && !failures[0].beyond_limit);
    assert!(!failures[0].message.contains("handle-0"), "{}", failures[0].message);
}

#[tokio::test]
async fn nothing_to_settle_is_no_call() {
    let (queue, server) = queue_that_answers(vec![]).await;
    assert_eq!(queue.delete(&[]).await.expect("nothing"), []);
    assert_eq!(queue.change_visibility(&[]).await.expect("nothing"), []);
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn the_dead_letter_queue_is_found_by_the_account_and_name_of_its_arn() {
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:210987654321:dead",
        "maxReceiveCount":"4"}"#;
    let attributes = serde_json::json!({"Attributes": {"ApproximateNumberOfMessages": "7",
        "ApproximateNumberOfMessagesNotVisible": "2", "VisibilityTimeout": "300",
        "RedrivePolicy": policy}})
    .to_string();
    let dead_url = r#"{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/210987654321/dead"}"#;
    let dead = r#"{"Attributes":{"ApproximateNumberOfMessages":"3"}}"#;
    let answers = [attributes.as_str(), dead_url, dead].map(|body| Canned::answer(200, body));
    let (queue, server) = queue_that_answers(answers.to_vec()).await;

    let attributes = queue.attributes().await.expect("attributes");
    assert_eq!((attributes.visible, attributes.in_flight), (Some(7), Some(2)));
    assert_eq!(attributes.delayed, None);
    assert_eq!(attributes.visibility_timeout, Some(Duration::from_mins(5)));
    let redrive = attributes.redrive.expect("a redrive policy");
    assert_eq!(redrive.max_receive_count, Some(4));
    let dead = queue.dead_letter_queue(&redrive).await.expect("the dead-letter queue");
    assert_eq!(
        (dead.name(), dead.attributes().await.expect("its depth").visible),
        ("dead", Some(3))
    );

    let requests = server.requests();
    assert!(requests[1].contains(r#""QueueOwnerAWSAccountId":"210987654321""#), "{}", requests[1]);
    assert!(requests[2].contains("/210987654321/dead"), "{}", requests[2]);
}

#[tokio::test]
async fn without_a_configured_endpoint_a_strange_host_is_used_as_it_is() {
    let server = CannedHttp::start([Canned::answer(200, "{}"), Canned::answer(200, "{}")]).await;
    let url = format!("{}/000000000000/log-events", server.origin);
    let mut config = sdk_config("http://unused").to_builder();
    config.set_endpoint_url(None);
    config.set_use_fips(Some(true));
    config.set_region(Region::new("eu-north-1"));
    let queue = Queue::with_attempts(&config.build(), &url, 1).expect("a queue");
    queue.receive(1, Duration::ZERO, None).await.expect("an answer");
    assert!(server.requests()[0].contains("/eu-north-1/sqs/aws4_request"));

    let elsewhere = "http://sqs.eu-north-1.example.invalid/000000000000/log-events";
    let queue = Queue::with_attempts(&sdk_config(&server.origin), elsewhere, 1).expect("a queue");
    queue.receive(1, Duration::ZERO, None).await.expect("an answer of the configured endpoint");
}

#[test]
fn a_queue_without_any_region_is_refused() {
    let error = Queue::new(&sdk_config("http://localhost:1"), "http://localhost:1/0/log-events")
        .expect_err("no region");
    assert!(matches!(error, QueueError::NoRegion { .. }));
    assert!(error.to_string().contains("AWS_REGION"), "{error}");
}
