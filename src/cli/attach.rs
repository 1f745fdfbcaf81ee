//! `deltrail attach` and `deltrail detach`: what a bucket tells a queue, shown before it is
//! written.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use aws_config::SdkConfig;
use clap::Args;

use super::output::text::shown;
use super::{FAILED, USAGE, fail, on_runtime};
use crate::app::World;
use crate::config::{Config, LogBucket, Purpose, S3_PATH_STYLE, SettingFlags, Surroundings};
use crate::setup::notification::{Wish, difference, is_same, with, without};
use crate::setup::{BucketNotifications, Permission, Sending, check_queue_arn, sending};

/// Stands before the help of `attach`.
pub(super) const ATTACH_EXAMPLE: &str = "\
Examples:
  deltrail attach --bucket example-images \\
                  --queue-arn arn:aws:sqs:eu-west-1:111122223333:deletions
  deltrail attach --bucket example-trail-logs --events 's3:ObjectCreated:*' --suffix .json.gz \\
                  --queue-arn arn:aws:sqs:eu-west-1:111122223333:trail-logs --apply";

/// Arguments of `deltrail attach`.
#[derive(Debug, Args)]
pub(super) struct AttachArguments {
    #[command(flatten)]
    what: WhatArguments,
    /// Only keys that begin so
    #[arg(long, value_name = "PREFIX", default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only keys that end so
    #[arg(long, value_name = "SUFFIX", default_value = "", hide_default_value = true)]
    suffix: String,
    /// Kinds of events, comma separated
    #[arg(long, value_name = "EVENTS", value_delimiter = ',', value_parser = parse_event)]
    #[arg(default_values = [
        "s3:ObjectRemoved:*", "s3:ObjectCreated:*", "s3:LifecycleExpiration:*",
    ])]
    events: Vec<String>,
}

/// Arguments of `deltrail detach`.
#[derive(Debug, Args)]
pub(super) struct DetachArguments {
    #[command(flatten)]
    what: WhatArguments,
    /// Only what was attached with this prefix
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
}

#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
struct WhatArguments {
    /// The bucket
    #[arg(long, value_name = "BUCKET", value_parser = parse_bucket)]
    bucket: String,
    /// The queue, in the region of the bucket
    #[arg(long, value_name = "ARN", value_parser = parse_queue)]
    queue_arn: String,
    /// Writes it; without this it is only shown
    #[arg(long)]
    apply: bool,
    /// Address buckets by path, as emulators want it [env: DELTRAIL_S3_PATH_STYLE]
    #[arg(long)]
    s3_path_style: bool,
    /// File with settings [env: DELTRAIL_CONFIG] [default: deltrail.toml, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Shows what would change, and changes it if that is wanted.
pub(super) fn attach(arguments: &AttachArguments, surroundings: &Surroundings) -> ExitCode {
    let what = &arguments.what;
    what.run(surroundings, async |config, aws| {
        let notifications = what.find(config, aws).await?;
        what.check_region(&notifications)?;
        let before = notifications.read().await?;
        let wish = Wish {
            queue_arn: what.queue_arn.clone(),
            events: arguments.events.clone(),
            prefix: arguments.prefix.clone(),
            suffix: arguments.suffix.clone(),
        };
        let after = with(&before, &wish)?;
        show(&shown_lines(&difference(&before, &after)))?;
        let region = notifications.region();
        let sending = sending(aws, &what.bucket, region, &what.queue_arn).await;
        show(&about_policy(&sending))?;
        if is_same(&before, &after) {
            eprintln!("the bucket tells the queue all of that already; nothing is to be written");
        } else if what.apply {
            notifications.replace(&before, &after).await?;
            eprintln!("written; S3 may take some minutes to act on it");
        } else {
            eprintln!("nothing was written; --apply writes it");
        }
        Ok(())
    })
}

/// Shows what would change, and changes it if that is wanted.
pub(super) fn detach(arguments: &DetachArguments, surroundings: &Surroundings) -> ExitCode {
    let what = &arguments.what;
    what.run(surroundings, async |config, aws| {
        let notifications = what.find(config, aws).await?;
        let before = notifications.read().await?;
        let after = without(&before, &what.queue_arn, arguments.prefix.as_deref());
        show(&shown_lines(&difference(&before, &after)))?;
        if is_same(&before, &after) {
            eprintln!("`deltrail attach` added nothing of that; nothing is to be written");
        } else if what.apply {
            notifications.replace(&before, &after).await?;
            eprintln!("written; S3 may take some minutes to act on it");
        } else {
            eprintln!("nothing was written; --apply writes it");
        }
        Ok(())
    })
}

impl WhatArguments {
    fn run(
        &self,
        surroundings: &Surroundings,
        act: impl AsyncFnOnce(&Config, &SdkConfig) -> anyhow::Result<()>,
    ) -> ExitCode {
        let mut flags = SettingFlags::with_file(self.config.clone());
        if self.s3_path_style {
            flags = flags.with(&S3_PATH_STYLE, "true");
        }
        let config = match flags.config(surroundings, Purpose::Inspect) {
            Ok(config) => config,
            Err(problems) => {
                return fail(USAGE, &format!("the settings are not valid\n{problems}"));
            }
        };
        let result = on_runtime(surroundings.cores, async {
            let world = World::of_this_process().await;
            act(&config, &world.aws).await
        });
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(FAILED, &shown_lines(&format!("{error:#}"))),
        }
    }

    async fn find(&self, config: &Config, aws: &SdkConfig) -> anyhow::Result<BucketNotifications> {
        Ok(BucketNotifications::find(aws, &self.bucket, config.s3_path_style).await?)
    }

    fn check_region(&self, notifications: &BucketNotifications) -> anyhow::Result<()> {
        let of_queue = self.queue_arn.split(':').nth(3).unwrap_or_default();
        let of_bucket = notifications.region();
        anyhow::ensure!(
            of_queue == of_bucket,
            "bucket {} is in {of_bucket} and the queue in {of_queue}, and S3 sends to queues of \
             its own region only; name a queue there, or lead the events there by EventBridge",
            self.bucket
        );
        Ok(())
    }
}

fn about_policy(Sending { permission, statement }: &Sending) -> String {
    let needed = |why: &str| format!("\n{why}\n\n{statement}\n");
    match permission {
        Permission::Allowed => {
            "\nThe policy of the queue lets the bucket send already.\n".to_owned()
        }
        Permission::NotAllowed => needed(
            "The policy of the queue does not let the bucket send. Add this statement to it first:",
        ),
        Permission::Denied(statement) => needed(&format!(
            "The policy of the queue denies it ({}). Change that, and see that it has this \
             statement:",
            shown(statement)
        )),
        Permission::Unknown(why) => needed(&format!(
            "Whether the policy of the queue lets the bucket send is not known: {}. It needs this \
             statement, or one that allows as much:",
            shown(why)
        )),
    }
}

/// Whoever cannot be shown what changes does not change it.
fn show(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to stdout")
}

/// Text of others, line by line.
fn shown_lines(text: &str) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => shown(line) + "\n",
            None => shown(line),
        })
        .collect()
}

fn parse_bucket(text: &str) -> Result<String, String> {
    let bucket = LogBucket::parse(text)?;
    if bucket.prefix.is_empty() && !text.contains('/') {
        return Ok(bucket.bucket);
    }
    Err(format!("is a bucket with a prefix: write {}, and the prefix with --prefix", bucket.bucket))
}

fn parse_queue(text: &str) -> Result<String, String> {
    check_queue_arn(text).map(|()| text.to_owned())
}

fn parse_event(text: &str) -> Result<String, String> {
    let is_event = text.starts_with("s3:") && !text.contains(char::is_whitespace);
    is_event.then(|| text.to_owned()).ok_or_else(|| {
        "is no kind of events: those begin with s3:, as s3:ObjectRemoved:*".to_owned()
    })
}
