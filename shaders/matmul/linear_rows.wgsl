// y[m, n] = alpha * sum_k x[m, k] * w[n, k] (+ bias[n]) (+ residual[m, n]) for few columns   (NT: LoRA's A)
// x: [M, K], w: [N, K], y: [M, N]; K and N multiples of 4, N small: lanes run along M, since along N most would have no work.
// One invocation computes ROWS x N, its rows LANES apart. A row's result depends on that row alone.
// Constants: K, N, QUADS = N / 4, LANES, ROWS, HAS_BIAS, HAS_RESIDUAL.
// #include "flat"
struct Params { rows: u32, alpha: f32 }
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(5) var<uniform> params: Params;

const K4 = K / 4u;

fn store(row: u32, n4: u32, value: vec4f) {
  if (row >= params.rows) { return; }
  var out = value * params.alpha;
  if (HAS_BIAS == 1u) { out += bias[n4]; }
  if (HAS_RESIDUAL == 1u) { out += residual[row * QUADS + n4]; }
  y[row * QUADS + n4] = out;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_id) lane: vec3u) {
  let row = flat_workgroup(group, groups) * LANES * ROWS + lane.x;
  if (row >= params.rows) { return; }
  let last = params.rows - 1u;
  // #repeat r ROWS
  let x{r} = min(row + {r}u * LANES, last) * K4;
  // #repeat n QUADS
  var c{r}_{n} = vec4f();
  // #end
  // #end
  for (var k = 0u; k < K4; k++) {
    // #repeat r ROWS
    let a{r} = x[x{r} + k];
    // #end
    // #repeat n QUADS
    let b{n}_0 = w[{n}u * K + k];
    let b{n}_1 = w[{n}u * K + K4 + k];
    let b{n}_2 = w[{n}u * K + 2u * K4 + k];
    let b{n}_3 = w[{n}u * K + 3u * K4 + k];
    // #repeat r ROWS
    c{r}_{n} += vec4f(dot(a{r}, b{n}_0), dot(a{r}, b{n}_1), dot(a{r}, b{n}_2), dot(a{r}, b{n}_3));
    // #end
    // #end
  }
  // #repeat r ROWS
  // #repeat n QUADS
  store(row + {r}u * LANES, {n}u, c{r}_{n});
  // #end
  // #end
}
