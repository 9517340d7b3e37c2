// What light products do beside multiplying, as `flags` of their params says: a sum of these (ops/productFlags.ts).
const BIAS = 1u;
const RESIDUAL = 2u;
/// Onto y.
const ACCUMULATE = 4u;
/// Sums stop at counts[live].
const COUNTED = 8u;
fn does(what: u32) -> bool { return (params.flags & what) != 0u; }
