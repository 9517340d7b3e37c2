// The bits of `flags` in the params of products that are small: what they do beside multiplying. src/engine/products/productFlags.ts has the same bits.
const BIAS = 1u;
const RESIDUAL = 2u;
/// Onto y.
const ACCUMULATE = 4u;
/// Sums stop at counts[count_word].
const COUNTED = 8u;
fn does(what: u32) -> bool { return (params.flags & what) != 0u; }
