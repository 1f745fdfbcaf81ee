//! A notice to all who are told of findings, by which people see that they are reached. It waits
//! for no finding, and opens no store.

use super::{World, notifiers};
use crate::config::Config;
use crate::notify::{Notice, NotifyError};

/// Who was told, and what went wrong.
pub type Told = Vec<(&'static str, Result<(), NotifyError>)>;

/// Tells each of them once, one after another; Alertmanager of an alert that is over already.
///
/// # Errors
/// When a secret cannot be read, or nobody can be told at all.
pub async fn notify_test(config: &Config) -> anyhow::Result<Told> {
    let world = World::of_this_process().await;
    let notifiers = notifiers::of(&config.notify, &world.aws)?;
    let now = (world.clock)();
    let notice = Notice::test(now);
    let mut told = Told::new();
    for name in notifiers.names() {
        told.push((name, notifiers.send(name, &notice).await));
    }
    if let Some(alertmanager) = notifiers.alertmanager() {
        told.push(("alertmanager", alertmanager.push(&[notice], now).await));
    }
    Ok(told)
}
