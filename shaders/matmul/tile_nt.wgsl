// y[m, first + n] = alpha * sum_k x[m, k] * w[n, k] (+ bias) (+ residual)          (NT: a linear layer; n < width)
// With LORA its low-rank term (matmul/lora) is added. With HAS_GATE all of it is times silu(gate), and `residual` holds the gate.
// x: [M, K], w: [width, K] in any format; K a multiple of 4. A workgroup computes TILE_M x TILE_N from tiles of K in workgroup memory,
// where weights are unpacked once for all rows; an invocation computes ROWS rows x COLUMNS columns, and those left over help to load. Every sum
// runs over k in order, whatever the tile. With SPLIT workgroups take `each` fours of k and leave bare sums [parts, M, N] in y for
// split_sum.
// Params: linear_params. Constants: TILE_M, TILE_N, QUADS, ROWS, COLUMNS, COLUMN_LANES = TILE_N / COLUMNS, LANES, SPLIT, HAS_BIAS, HAS_RESIDUAL,
// HAS_GATE, LORA.
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
// #part lora

/// A tile has QUADS fours of k; rows in workgroup memory are one longer, so that lanes do not meet at a bank.
const STRIDE = QUADS + 1u;
var<workgroup> x_tile: array<vec4f, TILE_M * STRIDE>;
var<workgroup> w_tile: array<vec4f, TILE_N * STRIDE>;

fn dot4(a: vec4f, b: vec4f, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

// #include "linear_epilogue"
fn store(split: u32, row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= params.width) { return; }
  if (SPLIT == 1u) { y[(split * params.rows + row) * params.columns + n] = value; return; }
  let at = row * params.columns + params.first + n;
  y[at] = epilogue(value, at, params.first + n);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = (group.y + group.z * 32768u) * TILE_M;
  if (row0 >= params.rows) { return; }
  let blocks = (params.width + TILE_N - 1u) / TILE_N;
  let split = group.x / blocks;
  let column0 = group.x % blocks * TILE_N;
  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  // #repeat r ROWS
  // #repeat c COLUMNS
  var y{r}_{c} = 0f;
  // #end
  // #end
  // The low-rank term's fours of k first, then those of x and w.
  for (var term = 1u - LORA; term < 2u; term++) {
    let is_low = LORA == 1u && term == 0u;
    let end = select(min((split + 1u) * params.each, params.quads), params.rank / 4u, is_low);
    for (var quad0 = select(split * params.each, 0u, is_low); quad0 < end; quad0 += QUADS) {
      for (var i = lane; i < TILE_M * QUADS; i += LANES) {
        let row = row0 + i / QUADS;
        let quad = quad0 + i % QUADS;
        var value = vec4f();
        if (row < params.rows && quad < end) {
          if (is_low) { value = low_quad(row, quad); } else { value = x[row * params.quads + quad]; }
        }
        x_tile[i / QUADS * STRIDE + i % QUADS] = value;
      }
      for (var i = lane; i < TILE_N * QUADS; i += LANES) {
        let n = column0 + i / QUADS;
        let quad = quad0 + i % QUADS;
        var value = vec4f();
        if (n < params.width && quad < end) {
          if (is_low) { value = b_quad(n, quad); } else { value = weight_quad(n * params.quads + quad); }
        }
        w_tile[i / QUADS * STRIDE + i % QUADS] = value;
      }
      workgroupBarrier();
      if (own_row < TILE_M) {
        for (var q = 0u; q < QUADS; q++) {
          if (is_low && q >= params.rank / 4u) { continue; }
          // #repeat c COLUMNS
          let b{c} = w_tile[(own_column + {c}u * COLUMN_LANES) * STRIDE + q];
          // #end
          // #repeat r ROWS
          {
            let a = x_tile[(own_row + {r}u) * STRIDE + q];
            // #repeat c COLUMNS
            y{r}_{c} = dot4(a, b{c}, y{r}_{c});
            // #end
          }
          // #end
        }
      }
      workgroupBarrier();
    }
  }
  if (own_row >= TILE_M) { return; }
  // #repeat r ROWS
  // #repeat c COLUMNS
  store(split, row0 + own_row + {r}u, column0 + own_column + {c}u * COLUMN_LANES, y{r}_{c});
  // #end
  // #end
}
