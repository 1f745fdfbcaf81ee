//! What people paste, and which object they mean by it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::{Address, VERSION};

fn parts(text: &str) -> (String, String, Option<String>) {
    let address = Address::parse(text).unwrap_or_else(|error| panic!("{error}"));
    (address.bucket, address.key, address.version_id)
}

fn object(bucket: &str, key: &str) -> (String, String, Option<String>) {
    (bucket.to_owned(), key.to_owned(), None)
}

#[test]
fn a_key_is_taken_literally_and_only_the_last_version_id_splits() {
    for literal in ["a%20b+c", "dir/", "/lead", "a?b#c", "a//b", "ключ", "a?versionid=x", " a "]
    {
        assert_eq!(parts(&format!("s3://b/{literal}")), object("b", literal));
        assert_eq!(parts(&format!("arn:aws-cn:s3:::b/{literal}")), object("b", literal));
    }
    let (_, key, version) = parts("S3A://b/odd?versionId=1?versionId=2");
    assert_eq!((&*key, version.as_deref()), ("odd?versionId=1", Some("2")));
    assert_eq!(parts("arn:aws:s3:::b/a:b").1, "a:b");
}

#[test]
fn every_endpoint_of_s3_names_its_bucket() {
    for (url, bucket) in [
        ("https://my.old.bucket.s3.amazonaws.com/a/b.jpg", "my.old.bucket"),
        ("https://b.s3.eu-west-1.amazonaws.com/a/b.jpg", "b"),
        ("https://b.s3-eu-west-1.amazonaws.com/a/b.jpg", "b"),
        ("HTTPS://B.S3.Dualstack.Us-East-1.AmazonAWS.com:443/a/b.jpg", "b"),
        ("https://s3.amazonaws.com/b/a/b.jpg", "b"),
        ("https://s3.cn-north-1.amazonaws.com.cn/b/a/b.jpg", "b"),
        ("https://s3.dualstack.eu-west-1.amazonaws.com/b/a/b.jpg", "b"),
        ("https://b.s3-accelerate.dualstack.amazonaws.com/a/b.jpg", "b"),
        ("https://b.s3-fips.us-gov-west-1.amazonaws.com/a/b.jpg", "b"),
        ("http://b.s3-website-us-east-1.amazonaws.com/a/b.jpg", "b"),
        ("http://b.s3-website.eu-central-1.amazonaws.com/a/b.jpg", "b"),
        (
            "https://x--use1-az5--x-s3.s3express-use1-az5.us-east-1.amazonaws.com/a/b.jpg",
            "x--use1-az5--x-s3",
        ),
        ("https://foo.s3.bar.s3.amazonaws.com/a/b.jpg", "foo.s3.bar"),
        ("b.s3.amazonaws.com/a/b.jpg", "b"),
        ("http://127.0.0.1:9000/b/a/b.jpg", "b"),
        ("http://localhost:4566/b/a/b.jpg", "b"),
        ("http://[::1]:9000/b/a/b.jpg", "b"),
    ] {
        assert_eq!(parts(url), object(bucket, "a/b.jpg"), "{url}");
    }
}

#[test]
fn escapes_of_urls_are_decoded_as_s3_decodes_them() {
    let key = |path: &str| parts(&format!("https://b.s3.amazonaws.com/{path}")).1;
    assert_eq!(key("a+b%2Bc%20d"), "a b+c d");
    assert_eq!(key("100%2525"), "100%25");
    assert_eq!(key("/lead//x"), "/lead//x");
    assert_eq!(key("%D0%BA%D0%BB%D1%8E%D1%87"), "ключ");
    assert_eq!(key("what%3F.txt#part"), "what?.txt");
    assert_eq!(parts("https://s3.amazonaws.com/b//lead").1, "/lead");
}

#[test]
fn of_a_query_only_the_version_counts() {
    let presigned = "https://b.s3.eu-west-1.amazonaws.com/k%20k?X-Amz-Algorithm=AWS4-HMAC-SHA256\
                     &X-Amz-Credential=AKIA%2F20261123&versionId=v%2B1&X-Amz-Signature=00ff";
    assert_eq!(parts(presigned), ("b".into(), "k k".into(), Some("v+1".into())));
    let download = "https://s3.amazonaws.com/b/k?response-content-disposition=attachment \n";
    assert_eq!(parts(download), object("b", "k"));
}

#[test]
fn the_console_names_what_it_shows() {
    for (url, expected) in [
        (
            "https://s3.console.aws.amazon.com/s3/object/b?region=eu-west-1&prefix=a%2Fb+c.jpg",
            object("b", "a/b c.jpg"),
        ),
        (
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/b?bucketType=x&prefix=a/&tab=o",
            object("b", "a/"),
        ),
        (
            "https://console.aws.amazon.com/s3/object/b/a/b.jpg?region=eu-west-1",
            object("b", "a/b.jpg"),
        ),
        ("https://cn-north-1.console.amazonaws.cn/s3/buckets/b", object("b", "")),
    ] {
        assert_eq!(parts(url), expected, "{url}");
    }
    let version = "https://eu-west-1.console.aws.amazon.com/s3/object/b?versionId=v1&prefix=k";
    assert_eq!(parts(version).2.as_deref(), Some("v1"));
}

#[test]
fn a_prefix_ends_with_a_slash_or_a_star_and_a_bucket_is_one() {
    let prefix = |text: &str| Address::parse(text).unwrap().prefix().map(str::to_owned);
    assert_eq!(prefix("s3://b/a/").as_deref(), Some("a/"));
    assert_eq!(prefix("s3://b/a*").as_deref(), Some("a"));
    assert_eq!(prefix("s3://b/*").as_deref(), Some(""));
    assert_eq!(prefix("s3://b").as_deref(), Some(""));
    assert_eq!(prefix("s3://b/a"), None);
}

#[test]
fn what_names_no_object_is_told_what_to_write() {
    let error = |text| Address::parse(text).unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            "https://cdn.example/k",
            "https://d111.cloudfront.net/b.s3.amazonaws.com/k",
            "https://evil.example/?x=b.s3.amazonaws.com",
            "https://amazonaws.com/b/k",
            "https://ec2.eu-west-1.amazonaws.com/b/k",
            "https://p-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k",
            "https://mf.mrap.accesspoint.s3-global.amazonaws.com/k",
            "arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/k",
            "arn:aws:sqs:eu-west-1:111122223333:q",
            "https://eu-west-1.console.aws.amazon.com/ec2/home",
            "b/k",
            "",
            "s3:///k",
            "https://s3.amazonaws.com/",
            "s3://b/k?versionId=",
            "https://b.s3.amazonaws.com/k?versionId=",
            "https://b.s3.amazonaws.com/%ff",
        ]
        .map(error)
        .join("\n"),
        @r#"
        "https://cdn.example/k" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "https://d111.cloudfront.net/b.s3.amazonaws.com/k" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "https://evil.example/?x=b.s3.amazonaws.com" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "https://amazonaws.com/b/k" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "https://ec2.eu-west-1.amazonaws.com/b/k" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "https://p-111122223333.s3-accesspoint.eu-west-1.amazonaws.com/k" names an access point: write s3://BUCKET/KEY with the bucket behind it
        "https://mf.mrap.accesspoint.s3-global.amazonaws.com/k" names an access point: write s3://BUCKET/KEY with the bucket behind it
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/p/object/k" names an access point: write s3://BUCKET/KEY with the bucket behind it
        "arn:aws:sqs:eu-west-1:111122223333:q" is no ARN of an object: write arn:aws:s3:::BUCKET/KEY or s3://BUCKET/KEY
        "https://eu-west-1.console.aws.amazon.com/ec2/home" is no URL of S3, and nobody but the owner of its host knows the bucket behind it: write s3://BUCKET/KEY
        "b/k" names no bucket: write s3://BUCKET/KEY
        "" names no bucket: write s3://BUCKET/KEY
        "s3:///k" names no bucket: write s3://BUCKET/KEY
        "https://s3.amazonaws.com/" names no bucket: write s3://BUCKET/KEY
        "s3://b/k?versionId=" ends without a version id: leave ?versionId= away to ask for all versions
        "https://b.s3.amazonaws.com/k?versionId=" ends without a version id: leave ?versionId= away to ask for all versions
        the escapes (%..) in "https://b.s3.amazonaws.com/%ff" give no UTF-8, as every key is: write s3://BUCKET/KEY
        "#
    );
}

proptest! {
    #[test]
    fn whatever_is_pasted_is_an_address_or_a_reason(text in any::<String>()) {
        let _ = Address::parse(&text);
        for begin in ["s3://", "https://", "arn:aws:s3:::", "https://b.s3.amazonaws.com/"] {
            let _ = Address::parse(&format!("{begin}{text}"));
        }
    }

    #[test]
    fn a_key_comes_through_every_form(
        key in any::<String>(),
        bucket in "[a-z0-9][a-z0-9.-]{1,20}[a-z0-9]",
    ) {
        let encoded = utf8_percent_encode(&key, NON_ALPHANUMERIC);
        for url in [
            format!("https://{bucket}.s3.eu-west-1.amazonaws.com/{encoded}?x=1"),
            format!("https://s3.amazonaws.com/{bucket}/{encoded}"),
            format!("https://eu-west-1.console.aws.amazon.com/s3/object/{bucket}?prefix={encoded}"),
        ] {
            prop_assert_eq!(parts(&url), object(&bucket, &key), "{}", url);
        }
        prop_assume!(!key.contains(VERSION));
        for form in ["s3://", "arn:aws:s3:::"] {
            prop_assert_eq!(parts(&format!("{form}{bucket}/{key}")), object(&bucket, &key));
        }
    }
}
