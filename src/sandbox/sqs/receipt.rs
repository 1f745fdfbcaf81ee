//! Receipt handles: what a receive gives for each message, to delete it by. It knows how a handle
//! is written and not whether it is still good.

/// Letters that a handle of AWS begins with.
const PREFIX: &str = "AQEB";
/// Characters of the part that means nothing.
const SALT_CHARS: usize = 76;

/// Which delivery of which message a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The queue's number.
    pub(super) queue: u64,
    /// The message's place in the queue.
    pub(super) place: u64,
    /// Which time it was handed out, from 1.
    pub(super) delivery: u32,
}

impl Receipt {
    /// The handle: opaque and long, as those of AWS are. `salt` is 76 characters of chance.
    pub(super) fn to_handle(self, salt: &str) -> String {
        let Self { queue, place, delivery } = self;
        format!("{PREFIX}{queue:016x}{place:016x}{delivery:08x}{salt}")
    }

    /// What a handle stands for; none if it was never one.
    pub(super) fn parse(handle: &str) -> Option<Self> {
        let rest = handle.strip_prefix(PREFIX)?;
        let (queue, rest) = rest.split_at_checked(16)?;
        let (place, rest) = rest.split_at_checked(16)?;
        let (delivery, salt) = rest.split_at_checked(8)?;
        if salt.len() != SALT_CHARS {
            return None;
        }
        Some(Self {
            queue: u64::from_str_radix(queue, 16).ok()?,
            place: u64::from_str_radix(place, 16).ok()?,
            delivery: u32::from_str_radix(delivery, 16).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Receipt;

    #[test]
    fn a_handle_names_its_delivery_and_nothing_else_is_a_handle() {
        let receipt = Receipt { queue: 3, place: 1_000_000_007, delivery: 2 };
        let handle = receipt.to_handle(&"x".repeat(76));
        assert_eq!(Receipt::parse(&handle), Some(receipt));
        for text in ["", "AQEB", "nonsense", &handle[..handle.len() - 1], &handle[1..]] {
            assert_eq!(Receipt::parse(text), None, "{text:?}");
        }
        assert_eq!(Receipt::parse(&format!("AQEB{}", "ä".repeat(60))), None);
    }
}
