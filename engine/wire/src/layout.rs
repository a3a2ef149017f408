//! What a message looks like, as data.
//!
//! The [`messages!`](crate::messages) macro turns one table into a plain struct for each message and a
//! [`Layout`] that describes it byte by byte. The SBE schema, the textual form and the validation of
//! received blocks all read the layout, so that a message is described in one place only.

use bincode::{Decode, Encode};

/// What the bytes of a field mean. All integers are little-endian.
#[derive(Debug, Clone, Copy)]
pub enum FieldKind {
    /// Unsigned integer of 1, 2, 4 or 8 bytes.
    Uint,
    /// Signed 64-bit integer without a scale.
    Int,
    /// Signed 64-bit integer in units of 10⁻⁸: prices, quantities, rates, factors.
    Decimal8,
    /// Signed 64-bit integer in units of 10⁻⁴ of the base currency.
    Amount,
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    Time,
    /// One byte that must be a value of the enum (or its null value where the field is optional).
    Enum(&'static EnumDef),
    /// Printable ASCII, padded with NUL bytes.
    Chars,
}

/// An enum of the protocol: its name and its values by name.
#[derive(Debug)]
pub struct EnumDef {
    /// Name in the schema, for example `Side`.
    pub name: &'static str,
    /// One sentence for the schema.
    pub doc: &'static str,
    /// `(name, value, one sentence)` in ascending order of value.
    pub values: &'static [(&'static str, u8, &'static str)],
}

impl EnumDef {
    /// The name of `value`, or `None` if the enum does not have it.
    #[must_use]
    pub fn name_of(&self, value: u8) -> Option<&'static str> {
        self.values
            .iter()
            .find(|(_, v, _)| *v == value)
            .map(|(name, ..)| *name)
    }

    /// The value called `name`, or `None` if the enum does not have it.
    #[must_use]
    pub fn value_of(&self, name: &str) -> Option<u8> {
        self.values
            .iter()
            .find(|(n, ..)| *n == name)
            .map(|(_, value, _)| *value)
    }
}

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Name in the schema and in the textual form, for example `clOrdId`.
    pub name: &'static str,
    /// Name of its type in the schema where null is not allowed: `uInt32`, `Price`, `Side`, `char`.
    pub type_name: &'static str,
    /// One sentence for the schema.
    pub doc: &'static str,
    /// What the bytes mean.
    pub kind: FieldKind,
    /// First byte in the root block.
    pub offset: usize,
    /// Length in bytes.
    pub size: usize,
    /// Whether the null value is allowed.
    pub optional: bool,
}

impl Field {
    /// Whether the field only fills space. A sender writes zero and a receiver ignores what it says.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        self.name.starts_with("reserved")
    }
}

/// One message: its template id and the fields of its root block in order.
#[derive(Debug)]
pub struct Layout {
    /// Name in the schema, for example `NewOrder`.
    pub name: &'static str,
    /// SBE template id.
    pub template_id: u16,
    /// One sentence for the schema.
    pub doc: &'static str,
    /// Length of the root block in bytes; `4 mod 8`, so that frames are multiples of 8.
    pub block_length: usize,
    /// The fields in order, without gaps.
    pub fields: &'static [Field],
}

/// A message of the protocol (or a record of the journal) with a fixed layout.
pub trait Message: Encode + Decode<()> + Copy + Default + core::fmt::Debug + PartialEq {
    /// How it looks on the wire.
    const LAYOUT: Layout;

    /// The first field whose value the schema does not allow, as an index of [`Layout::fields`].
    ///
    /// The macro writes it out field by field, so that a received order costs a few comparisons and
    /// no walk through the layout.
    fn first_invalid(&self) -> Option<usize>;

    /// Takes the fields from the front of a root block, whatever they hold; `None` if it is too short.
    fn get(block: &[u8]) -> Option<Self>;

    /// Writes the fields to the front of `block`; `None`, and nothing written, if it is too short.
    fn put(&self, block: &mut [u8]) -> Option<()>;
}

/// A type that may stand as a field of a message.
pub trait WireField: Encode + Decode<()> + Copy {
    /// Length in bytes on the wire.
    const SIZE: usize;
    /// Name in the schema, see [`Field::type_name`].
    const TYPE_NAME: &'static str;
    /// What the bytes mean.
    const KIND: FieldKind;
    /// All bytes zero.
    const ZERO: Self;
    /// The null value: `i64::MIN` for signed integers, all ones for unsigned ones and enums.
    const NULL: Self;

    /// Whether the schema allows the value. Plain integers always pass: their ranges belong to the
    /// engine, which refuses them by name.
    fn is_valid(&self, optional: bool) -> bool;

    /// Takes the value from `block`, beginning at byte `at`.
    ///
    /// # Panics
    /// If the block ends before the value.
    fn get(block: &[u8], at: usize) -> Self;

    /// Writes the value to `block`, beginning at byte `at`.
    ///
    /// # Panics
    /// If the block ends before the value.
    fn put(self, block: &mut [u8], at: usize);
}

/// Bytes `at..at + N` of a block.
///
/// # Panics
/// If the block ends before them.
#[inline]
pub(crate) fn bytes_at<const N: usize>(block: &[u8], at: usize) -> [u8; N] {
    match block[at..].first_chunk() {
        Some(bytes) => *bytes,
        None => panic!("a field of {N} bytes at {at} in a block of {}", block.len()),
    }
}

/// Puts `bytes` at `at..at + N` of a block.
///
/// # Panics
/// If the block ends before them.
#[inline]
pub(crate) fn set_bytes_at<const N: usize>(block: &mut [u8], at: usize, bytes: [u8; N]) {
    let have = block.len();
    match block[at..].first_chunk_mut() {
        Some(place) => *place = bytes,
        None => panic!("a field of {N} bytes at {at} in a block of {have}"),
    }
}

macro_rules! integer_field {
    ($($t:ty, $name:literal, $kind:ident, $null:expr;)*) => {$(
        impl WireField for $t {
            const SIZE: usize = size_of::<$t>();
            const TYPE_NAME: &'static str = $name;
            const KIND: FieldKind = FieldKind::$kind;
            const ZERO: Self = 0;
            const NULL: Self = $null;

            #[inline]
            fn is_valid(&self, _optional: bool) -> bool {
                true
            }

            #[inline]
            fn get(block: &[u8], at: usize) -> Self {
                Self::from_le_bytes(bytes_at(block, at))
            }

            #[inline]
            fn put(self, block: &mut [u8], at: usize) {
                set_bytes_at(block, at, self.to_le_bytes());
            }
        }
    )*};
}
integer_field! {
    u8, "uInt8", Uint, u8::MAX;
    u16, "uInt16", Uint, u16::MAX;
    u32, "uInt32", Uint, u32::MAX;
    u64, "uInt64", Uint, u64::MAX;
    i64, "sInt64", Int, i64::MIN;
}

/// Length of the camel-case form of a snake-case name.
#[doc(hidden)]
#[must_use]
pub const fn camel_len(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut i, mut n) = (0, 0);
    while i < bytes.len() {
        if bytes[i] != b'_' {
            n += 1;
        }
        i += 1;
    }
    n
}

/// Camel-case form of a snake-case name: `cl_ord_id` becomes `clOrdId`.
#[doc(hidden)]
#[must_use]
pub const fn camel<const N: usize>(name: &str) -> [u8; N] {
    let bytes = name.as_bytes();
    let mut out = [0; N];
    let (mut i, mut n, mut upper) = (0, 0, false);
    while i < bytes.len() {
        if bytes[i] == b'_' {
            upper = true;
        } else {
            out[n] = if upper {
                bytes[i].to_ascii_uppercase()
            } else {
                bytes[i]
            };
            upper = false;
            n += 1;
        }
        i += 1;
    }
    out
}

/// Defines messages: for each one a struct, its `Default` (zero, or null where optional) and its layout.
///
/// A field is `name: Type` or `name: Type [optional]`. Field names become camel case on the wire.
/// The compiler refuses a root block whose length is not `4 mod 8`.
#[macro_export]
macro_rules! messages {
    ($(
        #[doc = $doc:literal]
        $id:literal $name:ident {
            $( $(#[doc = $fdoc:literal])* $field:ident : $ty:ty $([$opt:ident])? ,)*
        }
    )*) => {$(
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, $crate::bincode::Encode, $crate::bincode::Decode)]
        #[bincode(crate = "::wire::bincode")]
        pub struct $name {
            $(
                #[doc = concat!("`", stringify!($field), "` of the schema. ", $($fdoc),*)]
                pub $field: $ty,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $crate::messages!(@default $ty $(, $opt)?), )* }
            }
        }

        impl $crate::Message for $name {
            const LAYOUT: $crate::Layout = {
                const FIELDS: &[$crate::Field] = &{
                    let mut offset = 0;
                    let fields = [$({
                        const SNAKE: &str = stringify!($field);
                        const CAMEL: &str = {
                            const BYTES: &[u8] =
                                &$crate::layout::camel::<{ $crate::layout::camel_len(SNAKE) }>(SNAKE);
                            match core::str::from_utf8(BYTES) {
                                Ok(name) => name,
                                Err(_) => panic!("field names are ASCII"),
                            }
                        };
                        let size = <$ty as $crate::WireField>::SIZE;
                        offset += size;
                        $crate::Field {
                            name: CAMEL,
                            type_name: <$ty as $crate::WireField>::TYPE_NAME,
                            doc: concat!($($fdoc),*),
                            kind: <$ty as $crate::WireField>::KIND,
                            offset: offset - size,
                            size,
                            optional: $crate::messages!(@optional $($opt)?),
                        }
                    }),*];
                    fields
                };
                const LENGTH: usize = 0 $(+ <$ty as $crate::WireField>::SIZE)*;
                const { assert!(LENGTH % 8 == 4, "root blocks are 4 mod 8") };
                $crate::Layout {
                    name: stringify!($name),
                    template_id: $id,
                    doc: $doc,
                    block_length: LENGTH,
                    fields: FIELDS,
                }
            };

            fn first_invalid(&self) -> Option<usize> {
                let valid = [$(
                    $crate::WireField::is_valid(&self.$field, $crate::messages!(@optional $($opt)?)),
                )*];
                // The common case first, without a branch for each field.
                if valid.iter().fold(true, |all, one| all & one) {
                    return None;
                }
                valid.iter().position(|one| !one)
            }

            // Offsets are known when this is compiled: what remains is a load and a store a field.
            #[inline]
            fn get(block: &[u8]) -> Option<Self> {
                const LENGTH: usize = 0 $(+ <$ty as $crate::WireField>::SIZE)*;
                let block = block.get(..LENGTH)?;
                let mut end = 0;
                $(
                    end += <$ty as $crate::WireField>::SIZE;
                    let $field = <$ty as $crate::WireField>::get(
                        block,
                        end - <$ty as $crate::WireField>::SIZE,
                    );
                )*
                Some(Self { $( $field, )* })
            }

            #[inline]
            fn put(&self, block: &mut [u8]) -> Option<()> {
                const LENGTH: usize = 0 $(+ <$ty as $crate::WireField>::SIZE)*;
                let block = block.get_mut(..LENGTH)?;
                let mut end = 0;
                $(
                    end += <$ty as $crate::WireField>::SIZE;
                    $crate::WireField::put(
                        self.$field,
                        block,
                        end - <$ty as $crate::WireField>::SIZE,
                    );
                )*
                Some(())
            }
        }
    )*};
    (@default $ty:ty, optional) => { <$ty as $crate::WireField>::NULL };
    (@default $ty:ty) => { <$ty as $crate::WireField>::ZERO };
    (@optional optional) => { true };
    (@optional) => { false };
}

/// Defines an enum over messages, with its template ids, encoding and decoding by template.
#[macro_export]
macro_rules! message_set {
    ($(#[$meta:meta])* $set:ident { $($name:ident,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub enum $set {
            $( #[doc = concat!("See [`", stringify!($name), "`].")] $name($name), )*
        }

        /// In a snapshot: the template id, then the root block.
        impl $crate::bincode::Encode for $set {
            fn encode<E: $crate::bincode::enc::Encoder>(
                &self,
                encoder: &mut E,
            ) -> Result<(), $crate::bincode::error::EncodeError> {
                $crate::bincode::Encode::encode(&self.layout().template_id, encoder)?;
                match self {
                    $( Self::$name(message) => $crate::bincode::Encode::encode(message, encoder), )*
                }
            }
        }

        impl<Context> $crate::bincode::Decode<Context> for $set {
            fn decode<D: $crate::bincode::de::Decoder<Context = Context>>(
                decoder: &mut D,
            ) -> Result<Self, $crate::bincode::error::DecodeError> {
                let template_id = <u16 as $crate::bincode::Decode<Context>>::decode(decoder)?;
                $( if template_id == <$name as $crate::Message>::LAYOUT.template_id {
                    return $crate::bincode::Decode::decode(decoder).map(Self::$name);
                } )*
                Err($crate::bincode::error::DecodeError::Other("a template of another build"))
            }
        }

        $crate::bincode::impl_borrow_decode!($set);

        impl $set {
            /// The layouts of all messages of the set, in order of definition.
            pub const LAYOUTS: &'static [&'static $crate::Layout] =
                &[$( &<$name as $crate::Message>::LAYOUT, )*];

            /// The layout of this message.
            #[must_use]
            pub const fn layout(&self) -> &'static $crate::Layout {
                match self { $( Self::$name(_) => &<$name as $crate::Message>::LAYOUT, )* }
            }

            /// Writes the root block into `out` and returns its length.
            ///
            /// # Panics
            /// If `out` is shorter than the root block.
            pub fn encode_block(&self, out: &mut [u8]) -> usize {
                match self { $( Self::$name(message) => $crate::codec::encode_block(message, out), )* }
            }

            /// Reads the root block of template `template_id`; `None` if the set does not have it.
            ///
            /// # Errors
            /// [`Malformed`]($crate::Malformed) names the first field that is not as the schema says.
            #[inline]
            pub fn decode_block(template_id: u16, block: &[u8]) -> Option<Result<Self, $crate::Malformed>> {
                $( if template_id == <$name as $crate::Message>::LAYOUT.template_id {
                    return Some($crate::codec::decode_block::<$name>(block).map(Self::$name));
                } )*
                None
            }
        }

        $( impl From<$name> for $set {
            fn from(message: $name) -> Self { Self::$name(message) }
        } )*
    };
}
