//! Records of other services, and of S3 about what is no object: what most of a trail consists of,
//! and what a reader must not take for a delete. It knows who acts by what it is given.

use std::fmt::Write as _;

use super::Scene;
use super::actor::ACCOUNT;

/// A call of a service.
struct Call {
    source: &'static str,
    name: &'static str,
    reads: bool,
    is_data: bool,
    /// `requestParameters` in JSON; see [`super::chance::Chance::filled`].
    parameters: &'static str,
    /// `responseElements` in JSON.
    response: &'static str,
    /// Members after `readOnly`, in JSON, each before a comma.
    resources: &'static str,
}

const fn management(
    source: &'static str,
    name: &'static str,
    parameters: &'static str,
    response: &'static str,
) -> Call {
    Call { source, name, reads: false, is_data: false, parameters, response, resources: "" }
}

const fn reading(source: &'static str, name: &'static str, parameters: &'static str) -> Call {
    Call { reads: true, ..management(source, name, parameters, "null") }
}

const fn of_data(mut call: Call, resources: &'static str) -> Call {
    call.is_data = true;
    call.resources = resources;
    call
}

const USUAL: [Call; 20] = [
    reading(
        "ec2",
        "DescribeInstances",
        concat!(
            r#"{"maxResults":1000,"instancesSet":{"items":[{"instanceId":"i-0%i"}]},"filterSet""#,
            r#":{"items":[{"name":"instance-state-name","valueSet":{"items":[{"value":"pending""#,
            r#"},{"value":"running"}]}},{"name":"tag:aws:autoscaling:groupName","valueSet":{"it"#,
            r#"ems":[{"value":"image-workers"}]}},{"name":"vpc-id","valueSet":{"items":[{"value"#,
            r#"":"vpc-0a1b2c3d4e5f60718"}]}}]}}"#,
        ),
    ),
    reading(
        "ec2",
        "DescribeNetworkInterfaces",
        concat!(
            r#"{"networkInterfaceIdSet":{},"filterSet":{"items":[{"name":"group-id","valueSet":"#,
            r#"{"items":[{"value":"sg-0%i"}]}},{"name":"interface-type","valueSet":{"items":[{""#,
            r#"value":"interface"},{"value":"lambda"}]}},{"name":"vpc-id","valueSet":{"items":["#,
            r#"{"value":"vpc-0a1b2c3d4e5f60718"}]}}]}}"#,
        ),
    ),
    management(
        "ec2",
        "CreateNetworkInterface",
        concat!(
            r#"{"subnetId":"subnet-0%i","description":"AWS Lambda VPC ENI-thumbnail-maker-%u",""#,
            r#"groupSet":{"items":[{"groupId":"sg-0%i"}]},"privateIpAddressesSet":{},"clientTok"#,
            r#"en":"%u"}"#,
        ),
        concat!(
            r#"{"requestId":"%u","networkInterface":{"networkInterfaceId":"eni-0%i","subnetId":"#,
            r#""subnet-0%i","vpcId":"vpc-0a1b2c3d4e5f60718","availabilityZone":"eu-west-1b","ow"#,
            r#"nerId":"111122223333","requesterManaged":false,"status":"pending","macAddress":""#,
            r#"06:1f:%h","privateIpAddress":"10.0.3.17","sourceDestCheck":true,"interfaceType":"#,
            r#""interface","groupSet":{"items":[{"groupId":"sg-0%i","groupName":"functions"}]},"#,
            r#""privateIpAddressesSet":{"item":[{"privateIpAddress":"10.0.3.17","primary":true}"#,
            r#"]},"tagSet":{},"ipv6AddressesSet":{}}}"#,
        ),
    ),
    management(
        "sts",
        "AssumeRole",
        concat!(
            r#"{"roleArn":"arn:aws:iam::111122223333:role/image-service-task","roleSessionName""#,
            r#":"%h%h%h%h","durationSeconds":3600,"tags":[{"key":"cluster","value":"prod"},{"ke"#,
            r#"y":"service","value":"image-service"}],"transitiveTagKeys":["cluster"]}"#,
        ),
        concat!(
            r#"{"credentials":{"accessKeyId":"ASIA%A","sessionToken":"IQoJb3JpZ2luX2VjEPT//////"#,
            r#"////wEaCWV1LXdlc3QtMSJHMEUCIQ%A%A%A%A","expiration":"Nov 23, 2026, 7:02:11 AM"},"#,
            r#""assumedRoleUser":{"assumedRoleId":"AROAIMAGESERVICETASK0:%h%h%h%h","arn":"arn:a"#,
            r#"ws:sts::111122223333:assumed-role/image-service-task/%h%h%h%h"}}"#,
        ),
    ),
    management(
        "kms",
        "GenerateDataKey",
        concat!(
            r#"{"keyId":"arn:aws:kms:eu-west-1:111122223333:key/5d2f5f0e-8b1c-4a4e-9c57-0b6f2a1"#,
            r#"d9e3c","encryptionContext":{"aws:s3:arn":"arn:aws:s3:::example-uploads/uploads/t"#,
            r#"enant-%n/incoming/%u.bin"},"keySpec":"AES_256"}"#,
        ),
        "null",
    ),
    reading(
        "kms",
        "Decrypt",
        concat!(
            r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::example-images-prod"},"encrypti"#,
            r#"onAlgorithm":"SYMMETRIC_DEFAULT","keyId":"arn:aws:kms:eu-west-1:111122223333:key"#,
            r#"/5d2f5f0e-8b1c-4a4e-9c57-0b6f2a1d9e3c"}"#,
        ),
    ),
    of_data(
        reading(
            "dynamodb",
            "GetItem",
            concat!(
                r#"{"tableName":"upload-sessions","key":{"tenant":"tenant-%n","session":"%h%h%h"#,
                r#"%h"},"consistentRead":false,"returnConsumedCapacity":"TOTAL"}"#,
            ),
        ),
        concat!(
            r#""resources":[{"accountId":"111122223333","type":"AWS::DynamoDB::Table","ARN":"ar"#,
            r#"n:aws:dynamodb:eu-west-1:111122223333:table/upload-sessions"}],"apiVersion":"201"#,
            r#"2-08-10","#,
        ),
    ),
    of_data(
        management(
            "dynamodb",
            "UpdateItem",
            concat!(
                r#"{"tableName":"upload-sessions","key":{"tenant":"tenant-%n","session":"%h%h%h"#,
                r#"%h"},"items":["bytesReceived","state","updatedAt"],"returnValues":"UPDATED_N"#,
                r#"EW"}"#,
            ),
            "null",
        ),
        concat!(
            r#""resources":[{"accountId":"111122223333","type":"AWS::DynamoDB::Table","ARN":"ar"#,
            r#"n:aws:dynamodb:eu-west-1:111122223333:table/upload-sessions"}],"apiVersion":"201"#,
            r#"2-08-10","#,
        ),
    ),
    of_data(
        management(
            "lambda",
            "Invoke",
            concat!(
                r#"{"functionName":"arn:aws:lambda:eu-west-1:111122223333:function:thumbnail-ma"#,
                r#"ker:live","invocationType":"Event","clientContext":"%h%h%h%h%h%h%h%h"}"#,
            ),
            "null",
        ),
        concat!(
            r#""additionalEventData":{"functionVersion":"arn:aws:lambda:eu-west-1:111122223333:"#,
            r#"function:thumbnail-maker:118"},"resources":[{"accountId":"111122223333","type":""#,
            r#"AWS::Lambda::Function","ARN":"arn:aws:lambda:eu-west-1:111122223333:function:thu"#,
            r#"mbnail-maker:live"}],"#,
        ),
    ),
    management(
        "logs",
        "CreateLogStream",
        concat!(
            r#"{"logGroupName":"/aws/lambda/thumbnail-maker","logStreamName":"2026/11/23/[118]%"#,
            r#"h%h%h%h"}"#,
        ),
        "null",
    ),
    reading(
        "ssm",
        "GetParametersByPath",
        concat!(
            r#"{"path":"/image-service/prod/","recursive":true,"withDecryption":true,"maxResult"#,
            r#"s":10,"nextToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}"#,
        ),
    ),
    reading(
        "secretsmanager",
        "GetSecretValue",
        concat!(
            r#"{"secretId":"arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/image-ser"#,
            r#"vice/database-a1B2c3","versionStage":"AWSCURRENT"}"#,
        ),
    ),
    reading(
        "s3",
        "GetBucketAcl",
        concat!(
            r#"{"bucketName":"example-reports-archive","Host":"example-reports-archive.s3.eu-we"#,
            r#"st-1.amazonaws.com","acl":""}"#,
        ),
    ),
    reading(
        "s3",
        "ListObjects",
        concat!(
            r#"{"list-type":"2","bucketName":"example-uploads","encoding-type":"url","max-keys""#,
            r#":"1000","prefix":"uploads/tenant-%n/","delimiter":"/","Host":"example-uploads.s3"#,
            r#".eu-west-1.amazonaws.com"}"#,
        ),
    ),
    reading(
        "cloudwatch",
        "GetMetricData",
        concat!(
            r#"{"startTime":"Nov 23, 2026, 5:%n:00 AM","endTime":"Nov 23, 2026, 6:00:00 AM","sc"#,
            r#"anBy":"TimestampDescending","metricDataQueries":[{"id":"m1","metricStat":{"metri"#,
            r#"c":{"namespace":"AWS/ECS","metricName":"CPUUtilization","dimensions":[{"name":"S"#,
            r#"erviceName","value":"image-service"}]},"period":60,"stat":"Average"},"returnData"#,
            r#"":true}]}"#,
        ),
    ),
    reading(
        "elasticloadbalancing",
        "DescribeTargetHealth",
        concat!(
            r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgro"#,
            r#"up/image-service/0%i"}"#,
        ),
    ),
    management(
        "ecs",
        "SubmitTaskStateChange",
        concat!(
            r#"{"cluster":"arn:aws:ecs:eu-west-1:111122223333:cluster/prod","task":"arn:aws:ecs"#,
            r#":eu-west-1:111122223333:task/prod/%h%h%h%h","status":"RUNNING","containers":[{"c"#,
            r#"ontainerName":"image-service","runtimeId":"%h%h%h%h-%n","status":"RUNNING","netw"#,
            r#"orkBindings":[],"imageDigest":"sha256:4a0f%h%h%h%h%h%h%h"}],"pullStartedAt":"Nov"#,
            r#" 23, 2026, 5:%n:07 AM"}"#,
        ),
        r#"{"acknowledgment":"ACK"}"#,
    ),
    management(
        "autoscaling",
        "SetDesiredCapacity",
        r#"{"autoScalingGroupName":"image-workers","desiredCapacity":%n,"honorCooldown":false}"#,
        "null",
    ),
    reading(
        "glue",
        "GetPartitions",
        concat!(
            r#"{"catalogId":"111122223333","databaseName":"warehouse","tableName":"events","exp"#,
            r#"ression":"(dt = '2026-11-23') AND (hour >= '%n')","maxResults":1000,"excludeColu"#,
            r#"mnSchema":true}"#,
        ),
    ),
    reading("iam", "GetRole", r#"{"roleName":"image-service-task"}"#),
];

/// Calls that mislead whoever looks for words instead of reading.
const ODD: [Call; 8] = [
    management(
        "iam",
        "PutRolePolicy",
        concat!(
            r#"{"roleName":"retention-sweeper","policyName":"sweep-%n","policyDocument":"{\"Ver"#,
            r#"sion\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"s3:Dele"#,
            r#"teObject\",\"s3:DeleteObjectVersion\",\"s3:ListBucket\"],\"Resource\":[\"arn:aws"#,
            r#":s3:::example-tmp-transfer/*\"],\"Condition\":{\"StringEquals\":{\"aws:SourceVpc"#,
            r#"e\":\"vpce-0%i\"}}}]}"}"#,
        ),
        "null",
    ),
    management(
        "events",
        "PutRule",
        concat!(
            r#"{"name":"on-delete-%n","state":"ENABLED","eventPattern":"{\"source\":[\"aws.s3\""#,
            r#"],\"detail-type\":[\"AWS API Call via CloudTrail\"],\"detail\":{\"eventSource\":"#,
            r#"[\"s3.amazonaws.com\"],\"eventName\":[\"DeleteObject\",\"DeleteObjects\"]}}","ev"#,
            r#"entBusName":"default"}"#,
        ),
        r#"{"ruleArn":"arn:aws:events:eu-west-1:111122223333:rule/on-delete"}"#,
    ),
    reading(
        "cloudtrail",
        "LookupEvents",
        concat!(
            r#"{"lookupAttributes":[{"attributeKey":"EventName","attributeValue":"DeleteObject""#,
            r#"}],"maxResults":50,"nextToken":"%h%h%h%h"}"#,
        ),
    ),
    reading(
        "athena",
        "StartQueryExecution",
        concat!(
            r#"{"queryString":"SELECT useridentity.arn, count(*) FROM \"logs\".\"cloudtrail\" W"#,
            r#"HERE eventname = 'DeleteObject' AND json_extract_scalar(requestparameters, '$[\""#,
            r#"key\"]') LIKE '%n}%' GROUP BY 1","clientRequestToken":"%u","workGroup":"primary""#,
            r#"}"#,
        ),
    ),
    of_data(
        management(
            "dynamodb",
            "DeleteItem",
            concat!(
                r#"{"tableName":"file-index","key":{"eventName":"DeleteObject","eventSource":"s"#,
                r#"3.amazonaws.com","n":"%n"}}"#,
            ),
            "null",
        ),
        concat!(
            r#""resources":[{"accountId":"111122223333","type":"AWS::DynamoDB::Table","ARN":"ar"#,
            r#"n:aws:dynamodb:eu-west-1:111122223333:table/file-index"}],"apiVersion":"2012-08-"#,
            r#"10","#,
        ),
    ),
    management(
        "backup-storage",
        "DeleteObject",
        r#"{"storageJobId":"%u","objectName":"restore-%n","backupVaultName":"Default"}"#,
        "null",
    ),
    management(
        "sns",
        "Publish",
        concat!(
            r#"{"topicArn":"arn:aws:sns:eu-west-1:111122223333:alarms","subject":"Zur\u00fcckge"#,
            r#"stellt \u2013 {%n}","message":"HIDDEN_DUE_TO_SECURITY_REASONS","messageStructure"#,
            r#"":"json"}"#,
        ),
        r#"{"messageId":"%u"}"#,
    ),
    reading(
        "transcribe",
        "GetTranscriptionJob",
        concat!(
            r#"{"transcriptionJobName":"Jos\u00e9 & \"Zo\u00eb\" \\ %n }]","settings":{"maxSpea"#,
            r#"kerLabels":18446744073709551615,"threshold":1.0e-9}}"#,
        ),
    ),
];
const ODD_PER_THOUSAND: u64 = 15;

/// A call of anybody to anything.
pub fn call(text: &mut String, scene: &Scene<'_>) {
    let Scene { at, actor, chance } = scene;
    let is_odd = chance.of_thousand(ODD_PER_THOUSAND);
    let call = if is_odd { chance.one_of(&ODD) } else { &USUAL[chance.early(USUAL.len())] };
    let agent = if actor.is_person { "console.amazonaws.com" } else { &actor.user_agent };
    let endpoint = actor.endpoint.as_ref();
    let endpoint = endpoint.map_or_else(String::new, |id| format!(r#""vpcEndpointId":"{id}","#));
    let host = format!("{}.eu-west-1.amazonaws.com", call.source);
    // A text takes what is written to it.
    let _ = write!(
        text,
        concat!(
            r#"{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":"{at}","#,
            r#""eventSource":"{source}.amazonaws.com","eventName":"{name}","#,
            r#""awsRegion":"eu-west-1","sourceIPAddress":"{address}","userAgent":"{agent}","#,
            r#""requestParameters":{parameters},"responseElements":{response},"#,
            r#""requestID":"{request_id}","eventID":"{event_id}","readOnly":{reads},{resources}"#,
            r#""eventType":"AwsApiCall","managementEvent":{is_management},"#,
            r#""recipientAccountId":"{account}",{endpoint}"eventCategory":"{category}","#,
            r#""tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","#,
            r#""clientProvidedHostHeader":"{host}"}}{console}}}"#,
        ),
        identity = actor.identity,
        at = at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        source = call.source,
        name = call.name,
        address = actor.address,
        agent = agent,
        parameters = chance.filled(call.parameters),
        response = chance.filled(call.response),
        request_id = chance.identifiers().uuid(),
        event_id = chance.identifiers().uuid(),
        reads = call.reads,
        resources = call.resources,
        is_management = !call.is_data,
        account = ACCOUNT,
        category = if call.is_data { "Data" } else { "Management" },
        endpoint = endpoint,
        host = host,
        console = if actor.is_person { r#","sessionCredentialFromConsole":"true""# } else { "" },
    );
}
