// What the kernels of TN are told of it: a [M, N] and b [M, K], summed over the rows before counts[live]. `each`: rows that workgroups of a split
// sum take. Extents are no constants: one pipeline serves products of every shape.
struct Params { alpha: f32, n: u32, k: u32, live: u32, each: u32 }
