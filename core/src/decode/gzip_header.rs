//! The header of a gzip member (RFC 1952, 2.3), read byte by byte so that it may be cut anywhere.
//! It keeps no text out of it and allocates nothing.

use crc32fast::Hasher;

const FLAG_HEADER_CRC: u8 = 0x02;
const FLAG_EXTRA: u8 = 0x04;
const FLAG_NAME: u8 = 0x08;
const FLAG_COMMENT: u8 = 0x10;
const FLAGS_RESERVED: u8 = 0xe0;
const METHOD_DEFLATE: u8 = 8;

/// What one more byte of a header led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// More bytes are needed.
    Continue,
    /// That was the last byte; deflate data follows.
    Done,
    /// These bytes do not begin a gzip member.
    NotAMember,
    /// They do, but the checksum of the header is wrong.
    BadChecksum,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    HeaderCrc,
}

/// A header as far as it was read.
#[derive(Debug)]
pub(super) struct GzipHeader {
    part: Part,
    /// Bytes of the current part that were read.
    read: usize,
    /// Bytes of the whole header that were read.
    length: u64,
    flags: u8,
    extra_length: usize,
    header_crc: [u8; 2],
    checksum: Hasher,
}

impl GzipHeader {
    /// A header of which no byte was read.
    pub(super) fn new() -> Self {
        Self {
            part: Part::Fixed,
            read: 0,
            length: 0,
            flags: 0,
            extra_length: 0,
            header_crc: [0; 2],
            checksum: Hasher::new(),
        }
    }

    /// How many bytes were read.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Reads one byte. After anything but [`Step::Continue`] the header is at its end.
    pub(super) fn push(&mut self, byte: u8) -> Step {
        self.length += 1;
        if self.part == Part::HeaderCrc {
            return self.push_header_crc(byte);
        }
        if self.flags & FLAG_HEADER_CRC != 0 || self.part == Part::Fixed {
            self.checksum.update(&[byte]);
        }
        match self.part {
            Part::Fixed => return self.push_fixed(byte),
            Part::ExtraLength => {
                self.extra_length |= usize::from(byte) << (8 * self.read);
                self.read += 1;
                if self.read < 2 {
                    return Step::Continue;
                }
                if self.extra_length > 0 {
                    return self.enter(Part::Extra);
                }
            }
            Part::Extra => {
                self.read += 1;
                if self.read < self.extra_length {
                    return Step::Continue;
                }
            }
            Part::Name | Part::Comment if byte != 0 => return Step::Continue,
            Part::Name | Part::Comment | Part::HeaderCrc => {}
        }
        self.leave(self.part)
    }

    fn push_fixed(&mut self, byte: u8) -> Step {
        let fits = match self.read {
            0 => byte == 0x1f,
            1 => byte == 0x8b,
            2 => byte == METHOD_DEFLATE,
            3 => {
                self.flags = byte;
                byte & FLAGS_RESERVED == 0
            }
            // Modification time, extra flags and operating system say nothing about the content.
            _ => true,
        };
        self.read += 1;
        match (fits, self.read) {
            (false, _) => Step::NotAMember,
            (true, 10) => self.leave(Part::Fixed),
            (true, _) => Step::Continue,
        }
    }

    fn push_header_crc(&mut self, byte: u8) -> Step {
        self.header_crc[self.read] = byte;
        self.read += 1;
        if self.read < 2 {
            return Step::Continue;
        }
        let found = self.checksum.clone().finalize().to_le_bytes();
        if found[..2] == self.header_crc { Step::Done } else { Step::BadChecksum }
    }

    /// Goes to the part after `part` that the flags announce.
    fn leave(&mut self, part: Part) -> Step {
        let announced = [
            (Part::ExtraLength, FLAG_EXTRA),
            (Part::Name, FLAG_NAME),
            (Part::Comment, FLAG_COMMENT),
            (Part::HeaderCrc, FLAG_HEADER_CRC),
        ];
        let passed = match part {
            Part::Fixed => 0,
            Part::ExtraLength | Part::Extra => 1,
            Part::Name => 2,
            Part::Comment => 3,
            Part::HeaderCrc => 4,
        };
        let next = announced[passed..].iter().find(|(_, flag)| self.flags & flag != 0);
        next.map_or(Step::Done, |(next, _)| self.enter(*next))
    }

    const fn enter(&mut self, part: Part) -> Step {
        self.part = part;
        self.read = 0;
        Step::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::{GzipHeader, Step};

    fn read(bytes: &[u8]) -> (Step, u64) {
        let mut header = GzipHeader::new();
        for &byte in bytes {
            let step = header.push(byte);
            if step != Step::Continue {
                return (step, header.length());
            }
        }
        (Step::Continue, header.length())
    }

    fn full_header() -> Vec<u8> {
        let mut bytes = vec![0x1f, 0x8b, 8, 0x1e, 1, 2, 3, 4, 0, 3];
        bytes.extend([3, 0, b'x', 0, b'z']);
        bytes.extend(b"name.json\0");
        bytes.extend(b"comment\0");
        let crc = crc32fast::hash(&bytes).to_le_bytes();
        bytes.extend(&crc[..2]);
        bytes
    }

    #[test]
    fn every_optional_part_is_passed_over() {
        let bytes = full_header();
        assert_eq!(read(&bytes), (Step::Done, bytes.len() as u64));
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]).0, Step::Continue, "cut at {end}");
        }
    }

    #[test]
    fn a_damaged_header_is_told_by_its_checksum() {
        let mut bytes = full_header();
        bytes[5] ^= 1;
        assert_eq!(read(&bytes).0, Step::BadChecksum);
    }

    #[test]
    fn other_bytes_are_no_member() {
        assert_eq!(read(b"{"), (Step::NotAMember, 1));
        assert_eq!(read(b"\x1f{"), (Step::NotAMember, 2));
        assert_eq!(read(b"\x1f\x8b\x07"), (Step::NotAMember, 3));
        assert_eq!(read(b"\x1f\x8b\x08\x80"), (Step::NotAMember, 4));
    }

    #[test]
    fn an_empty_extra_field_is_allowed() {
        assert_eq!(read(&[0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 0, 0]), (Step::Done, 12));
    }
}
