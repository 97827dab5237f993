//! Every bound of this crate on what a model folder or a request may ask for.

/// Most positions of a model. Chosen above all published encoders; tables of positions have as many rows.
pub(crate) const POSITIONS_MAX: usize = 131_072;
/// Most numbers of a table of ALiBi, which has one for each head and each two positions; 4 GiB, sixteen heads of 8,192.
pub(crate) const ALIBI_NUMBERS_MAX: usize = 1 << 30;
/// Most numbers of a head. Chosen above all published encoders; tables of rotations have as many columns.
pub(crate) const HEAD_NUMBERS_MAX: usize = 1_024;
/// Most layers of a model. Chosen above all published encoders.
pub(crate) const LAYERS_MAX: usize = 512;
/// Most numbers of a row, of a layer's inner row, and most words of a vocabulary. Chosen as the layers are.
pub(crate) const WIDTH_MAX: usize = 1 << 20;
/// Most `Dense` modules behind the pooling.
pub(crate) const DENSE_MODULES_MAX: usize = 8;
/// Most bytes of a configuration, tokenizer or list file of a model.
pub(crate) const TEXT_FILE_BYTES_MAX: u64 = 256 << 20;
/// Most bytes of a configuration, licence or description that is pulled. Chosen far above all published ones.
pub(crate) const SMALL_FILE_BYTES_MAX: u64 = 4 << 20;
/// Most bytes of what a source calls an edition of a file.
pub(crate) const TAG_BYTES_MAX: usize = 256;
/// Most bytes of the header of a weights file; the format's own limit.
pub(crate) const HEADER_BYTES_MAX: u64 = 100_000_000;
/// Most bytes of a weights file that is pulled. Chosen above all published encoders.
pub(crate) const WEIGHTS_BYTES_MAX: u64 = 64 << 30;
/// Most bytes of a model's name; a folder's name with room for a prefix.
pub(crate) const NAME_BYTES_MAX: usize = 128;
/// Most modules that a model chains: a transformer, pooling, `Dense` modules and a normalisation.
pub(crate) const MODULES_MAX: usize = DENSE_MODULES_MAX + 3;
