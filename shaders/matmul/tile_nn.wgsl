// y[m, n] = alpha * sum_{k < span} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)          (NN: dX of a linear layer)
// x: [M, K], w: [span, N] in any format; K, span, N and first multiples of 4. Tiles and splits are those of tile_nt; an invocation computes ROWS rows x COLUMN_QUADS fours of columns.
// Params: product_params. Constants: TILE_M, TILE_N, QUADS, ROWS, COLUMN_QUADS, COLUMN_LANES = TILE_N / 4 / COLUMN_QUADS, LANES, SPLIT,
// ACCUMULATE.
// #include "product_params"
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const STRIDE = QUADS + 1u;
const TILE_QUADS = TILE_N / 4u;
var<workgroup> x_tile: array<vec4f, TILE_M * STRIDE>;
var<workgroup> w_tile: array<vec4f, 4u * QUADS * TILE_QUADS>;

fn store(split: u32, row: u32, quad: u32, value: vec4f) {
  if (row >= params.rows || quad >= params.quads) { return; }
  if (SPLIT == 1u) { y[(split * params.rows + row) * params.quads + quad] = value; return; }
  let at = row * params.quads + quad;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = (group.y + group.z * 32768u) * TILE_M;
  if (row0 >= params.rows) { return; }
  let blocks = (params.quads + TILE_QUADS - 1u) / TILE_QUADS;
  let split = group.x / blocks;
  let column0 = group.x % blocks * TILE_QUADS;
  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  let end = min((split + 1u) * params.each, params.span / 4u);
  // #repeat r ROWS
  // #repeat c COLUMN_QUADS
  var y{r}_{c} = vec4f();
  // #end
  // #end
  for (var quad0 = split * params.each; quad0 < end; quad0 += QUADS) {
    for (var i = lane; i < TILE_M * QUADS; i += LANES) {
      let row = row0 + i / QUADS;
      let quad = quad0 + i % QUADS;
      var value = vec4f();
      if (row < params.rows && quad < end) { value = x[(row * params.inner + params.first) / 4u + quad]; }
      x_tile[i / QUADS * STRIDE + i % QUADS] = value;
    }
    for (var i = lane; i < 4u * QUADS * TILE_QUADS; i += LANES) {
      let k = quad0 * 4u + i / TILE_QUADS;
      let quad = column0 + i % TILE_QUADS;
      var value = vec4f();
      if (k < end * 4u && quad < params.quads) { value = weight_quad(k * params.quads + quad); }
      w_tile[i] = value;
    }
    workgroupBarrier();
    for (var q = 0u; q < QUADS; q++) {
      // #repeat i 4
      // #repeat c COLUMN_QUADS
      let b{i}_{c} = w_tile[(q * 4u + {i}u) * TILE_QUADS + own_column + {c}u * COLUMN_LANES];
      // #end
      // #end
      // #repeat r ROWS
      {
        let a = x_tile[(own_row + {r}u) * STRIDE + q];
        // #repeat i 4
        // #repeat c COLUMN_QUADS
        y{r}_{c} = fma(vec4f(a[{i}]), b{i}_{c}, y{r}_{c});
        // #end
        // #end
      }
      // #end
    }
    workgroupBarrier();
  }
  // #repeat r ROWS
  // #repeat c COLUMN_QUADS
  store(split, row0 + own_row + {r}u, column0 + own_column + {c}u * COLUMN_LANES, y{r}_{c});
  // #end
  // #end
}
