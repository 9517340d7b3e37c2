// Params of the NN kernels: x [rows, inner], columns first .. first + span, times w [span, N = 4 quads]. `each`: fours of k that workgroups
// of a split sum take. Extents are params and not constants, so that one pipeline serves products of every shape.
struct Params { rows: u32, alpha: f32, first: u32, inner: u32, span: u32, quads: u32, each: u32 }
