// Params of the TN kernels: a [M, N] times b [M, K], summed over the rows before counts[count_word] (0 tokens, 1 targets). `each`: rows that one
// workgroup of a split sum takes. Extents are params and not constants, so that one pipeline serves products of every shape.
struct Params { alpha: f32, n: u32, k: u32, count_word: u32, each: u32 }
