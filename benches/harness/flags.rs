//! The arguments after the name of a bench: `--name value`. It knows none of them.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, anyhow, bail};

/// Arguments that nobody has asked for yet.
#[derive(Debug, Clone)]
pub struct Flags {
    left: Vec<String>,
}

impl Flags {
    /// All of `arguments`.
    pub const fn new(arguments: Vec<String>) -> Self {
        Self { left: arguments }
    }

    /// The value behind `name`, or what is taken without it.
    ///
    /// # Errors
    /// When nothing follows the name, or what follows cannot be read.
    pub fn value<T>(&mut self, name: &str, without: T) -> anyhow::Result<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(at) = self.left.iter().position(|argument| argument == name) else {
            return Ok(without);
        };
        let text = self.left.get(at + 1).with_context(|| format!("{name} needs a value"))?;
        let value = text.parse().map_err(|error| anyhow!("{name} {text}: {error}"))?;
        self.left.drain(at..at + 2);
        Ok(value)
    }

    /// Call it before anything is measured.
    ///
    /// # Errors
    /// When there is an argument that was not asked for.
    pub fn expect_no_others(&self) -> anyhow::Result<()> {
        match self.left.first() {
            Some(other) => bail!("{other} is not known here"),
            None => Ok(()),
        }
    }
}
