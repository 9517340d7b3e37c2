// y[m, n] = alpha * sum_{k < SPAN} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)          (NN: dX of a linear layer)
// x: [M, K], w: [SPAN, N] in any format; K, SPAN, N and first multiples of 4. Tiles as in tile_nt; an invocation computes ROWS rows x 4 columns side by side.
// Constants: K, SPAN, N, ROW_QUADS = N / 4, TILE_M, TILE_N, ROWS, COLUMN_LANES = TILE_N / 4, LANES, ACCUMULATE.
struct Params { rows: u32, alpha: f32, first: u32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
// #part weights
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(4) var<uniform> params: Params;

const DEPTH = 16u;
const K_QUADS = K / 4u;
const QUADS = DEPTH / 4u;
const STRIDE = 5u;
var<workgroup> x_tile: array<vec4f, TILE_M * STRIDE>;
var<workgroup> w_tile: array<vec4f, DEPTH * COLUMN_LANES>;

fn store(row: u32, quad: u32, value: vec4f) {
  if (row >= params.rows || quad >= ROW_QUADS) { return; }
  let at = row * ROW_QUADS + quad;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = (group.y + group.z * 32768u) * TILE_M;
  if (row0 >= params.rows) { return; }
  let column0 = group.x * COLUMN_LANES;
  let own_column = lane % COLUMN_LANES;
  let own_row = lane / COLUMN_LANES * ROWS;
  // #repeat r ROWS
  var y{r} = vec4f();
  // #end
  for (var k0 = 0u; k0 < SPAN; k0 += DEPTH) {
    for (var i = lane; i < TILE_M * QUADS; i += LANES) {
      let row = row0 + i / QUADS;
      let quad = k0 / 4u + i % QUADS;
      var value = vec4f();
      if (row < params.rows && quad < SPAN / 4u) { value = x[row * K_QUADS + params.first / 4u + quad]; }
      x_tile[i / QUADS * STRIDE + i % QUADS] = value;
    }
    for (var i = lane; i < DEPTH * COLUMN_LANES; i += LANES) {
      let k = k0 + i / COLUMN_LANES;
      let quad = column0 + i % COLUMN_LANES;
      var value = vec4f();
      if (k < SPAN && quad < ROW_QUADS) { value = weight_quad(k, quad); }
      w_tile[i] = value;
    }
    workgroupBarrier();
    for (var q = 0u; q < QUADS; q++) {
      // #repeat i 4
      let b{i} = w_tile[(q * 4u + {i}u) * COLUMN_LANES + own_column];
      // #end
      // #repeat r ROWS
      {
        let a = x_tile[(own_row + {r}u) * STRIDE + q];
        // #repeat i 4
        y{r} = fma(vec4f(a[{i}]), b{i}, y{r});
        // #end
      }
      // #end
    }
    workgroupBarrier();
  }
  // #repeat r ROWS
  store(row0 + own_row + {r}u, column0 + own_column, y{r});
  // #end
}
