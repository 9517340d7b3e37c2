// Params of a linear layer's kernels: [rows, K = 4 quads] times [width, K], columns first .. first + width of y [rows, columns].
// `each`: fours of k that workgroups of a split sum take; scale, rank: see matmul/lora. Extents are params, so that one pipeline
// serves layers of every shape. What the epilogue adds is constants, because its text is repeated for every element of a tile.
struct Params {
  rows: u32, alpha: f32, first: u32, quads: u32, columns: u32, width: u32, each: u32, scale: f32, rank: u32
}
