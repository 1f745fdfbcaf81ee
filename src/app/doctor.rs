//! The composition root of `deltrail doctor`: what the settings name is looked at, and nothing is
//! started.

use super::{World, matches_any};
use crate::config::{BucketPattern, Config};
use crate::setup::doctor::{Check, Options, Watched, examine};

/// Looks at all that the daemon would need with these settings.
pub async fn doctor(config: &Config) -> Vec<Check> {
    let world = World::of_this_process().await;
    let options = Options {
        queue_urls: config.queue_urls.clone(),
        log_buckets: log_buckets(config),
        log_bucket_owner: config.log_bucket_owner.clone(),
        watched: watched(config),
        path_style: config.s3_path_style,
        store: config.store.clone(),
    };
    examine(&options, &world.aws).await
}

/// Each with its prefix; one bucket may be named with several.
fn log_buckets(config: &Config) -> Vec<(String, String)> {
    let named = config.log_buckets.named.iter();
    named.map(|log| (log.bucket.clone(), log.prefix.clone())).collect()
}

/// What is a name is looked at even where buckets cannot be listed; important ones come first.
fn watched(config: &Config) -> Watched {
    let all = config.important_buckets.iter().chain(&config.watch_buckets);
    let names = all.filter(|pattern| !pattern.is_open()).map(ToString::to_string);
    let is_watched = |name: &String| matches_any(&config.watch_buckets, name);
    let patterns = config.watch_buckets.clone();
    let is_open = patterns.iter().any(BucketPattern::is_open);
    let fits = move |bucket: &str| matches_any(&patterns, bucket);
    Watched {
        names: names.filter(is_watched).collect(),
        fits: is_open.then(|| Box::new(fits) as _),
    }
}
