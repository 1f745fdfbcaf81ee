//! What PostgreSQL's errors mean for the person who runs the store. It asks nothing.

use std::error::Error as _;
use std::io;

use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::store::StoreError;

/// What an error means for the store at `place`.
pub(in crate::store) fn explain(place: &str, error: &Error) -> StoreError {
    let (store, detail) = (place.to_owned(), detail_of(error));
    match error.code() {
        Some(state) => explain_state(store, detail, state),
        None if is_untrusted(error) => StoreError::CannotConnect { store, detail },
        None if is_lost(error) => StoreError::Unreachable { store, detail },
        None => StoreError::Statement { store, detail },
    }
}

/// Whether the server is another one now than the one to write to: the connection is to be made
/// again, and leads to the right one.
pub(in crate::store) fn is_elsewhere(error: &Error) -> bool {
    error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION)
}

fn explain_state(store: String, detail: String, state: &SqlState) -> StoreError {
    match *state {
        SqlState::DISK_FULL => StoreError::DiskFull { store },
        SqlState::IO_ERROR => StoreError::Disk { store, detail },
        // What two transactions did to one another; the next attempt finds the other one done.
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED
        | SqlState::UNIQUE_VIOLATION
        | SqlState::EXCLUSION_VIOLATION => StoreError::Conflict { store, detail },
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::Unreachable { store, detail },
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            StoreError::Corrupted { store, detail }
        }
        _ => match &state.code()[..2] {
            // Connections, and what the server has too little of for a while.
            "08" | "53" => StoreError::Unreachable { store, detail },
            // Who may connect to which database, and what they may do there.
            "28" | "3D" => StoreError::CannotConnect { store, detail },
            "42" if *state == SqlState::INSUFFICIENT_PRIVILEGE => {
                StoreError::CannotConnect { store, detail }
            }
            _ => StoreError::Statement { store, detail },
        },
    }
}

/// The words of the server, or the driver's and those of what caused it.
fn detail_of(error: &Error) -> String {
    if let Some(told) = error.as_db_error() {
        let more = told.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
        return format!("{}{more}, SQLSTATE {}", told.message(), told.code().code());
    }
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn system_error(error: &Error) -> Option<&io::Error> {
    error.source()?.downcast_ref()
}

/// Whether the server's certificate was not believed.
fn is_untrusted(error: &Error) -> bool {
    let inner = system_error(error).and_then(io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some()
}

/// Whether the connection was lost or could not be made.
fn is_lost(error: &Error) -> bool {
    // The driver has a kind for this, and shows it in its words only.
    let is_late = || error.to_string().starts_with("timeout");
    error.is_closed() || system_error(error).is_some() || is_late()
}
