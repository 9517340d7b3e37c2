// y[m, first + n] = alpha * sum_k x[m, k] * w[n, k] (+ bias) (+ residual)          (NT: a linear layer; n < width)
// With LORA its low-rank term (matmul/lora) is added. With HAS_GATE all of it is times silu(gate), and `residual` holds the gate.
// x: [M, K], w: [width, K] in any format; K a multiple of 4. One invocation computes ROWS x COLUMNS, its columns LANES apart. The lanes
// of a subgroup load SUBGROUP elements of a row of x together and share them, so that one load serves many multiply-adds:
// adapters without scalar loads spend time on every lane of every load. Every sum runs over k in order, whatever the tile; a sum takes
// several terms in a row, which spares registers. Weights of a STRETCH of k have one scale, where they have any.
// Params: linear_params. Constants: LANES, ROWS, COLUMNS, SUBGROUP, PARTS * HOISTED = SUBGROUP / 4, STRETCH, TAIL_QUADS = fours of k past the last
// whole SUBGROUP, HAS_BIAS, HAS_RESIDUAL, HAS_GATE, LORA.
enable subgroups;
@group(0) @binding(0) var<storage, read> x: array<f32>;
// #part weights
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> residual: array<f32>;
@group(0) @binding(5) var<storage, read_write> y: array<f32>;
// #part lora

// #include "linear_epilogue"
fn store(row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= params.width) { return; }
  let at = row * params.columns + params.first + n;
  y[at] = epilogue(value, at, params.first + n);
}

@compute @workgroup_size(LANES)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
  @builtin(subgroup_invocation_id) peer: u32,
) {
  let row = (group.y + group.z * 32768u) * ROWS;
  if (row >= params.rows) { return; }
  let last = params.rows - 1u;
  let column = group.x * LANES * COLUMNS + lane.x;
  let extent = params.quads * 4u;
  // #repeat r ROWS
  let x{r} = min(row + {r}u, last) * extent;
  // #repeat c COLUMNS
  var y{r}_{c} = 0f;
  // #end
  // #end
  // #repeat c COLUMNS
  let n{c} = min(column + {c}u * LANES, params.width - 1u);
  let w{c} = n{c} * params.quads;
  // #end
  // #repeat lora LORA
  // #repeat r ROWS
  let l{r} = min(row + {r}u, last) * params.rank;
  // #end
  for (var k = 0u; k < params.rank; k += 4u) {
    let own = min(k + peer, params.rank - 1u);
    // #repeat c COLUMNS
    let b{c} = b_quad(n{c}, k / 4u);
    // #end
    // #repeat r ROWS
    {
      let a = params.scale * low[l{r} + own];
      // #repeat i 4
      {
        let s = subgroupBroadcast(a, {i}u);
        // #repeat c COLUMNS
        y{r}_{c} = fma(s, b{c}[{i}], y{r}_{c});
        // #end
      }
      // #end
    }
    // #end
  }
  // #end
  for (var first = 0u; first + STRETCH <= extent; first += STRETCH) {
    // #repeat c COLUMNS
    let scale{c} = weight_scale(w{c} + first / 4u);
    // #end
    for (var next = 0u; next < STRETCH; next += SUBGROUP) {
      let k = first + next;
      // #repeat r ROWS
      let a{r} = x[x{r} + k + peer];
      // #end
      // #repeat h PARTS
      {
        // #repeat q HOISTED
        // #repeat c COLUMNS
        let b{q}_{c} = scaled_quad(scale{c}, w{c} + k / 4u + {h}u * HOISTED, {q}u);
        // #end
        // #end
        // #repeat r ROWS
        // #repeat q HOISTED
        // #repeat i 4
        {
          let s = subgroupBroadcast(a{r}, ({h}u * HOISTED + {q}u) * 4u + {i}u);
          // #repeat c COLUMNS
          y{r}_{c} = fma(s, b{q}_{c}[{i}], y{r}_{c});
          // #end
        }
        // #end
        // #end
        // #end
      }
      // #end
    }
  }
  {
    let k = extent / SUBGROUP * SUBGROUP;
    let own = min(k + peer, extent - 1u);
    // #repeat q TAIL_QUADS
    {
      // #repeat c COLUMNS
      let b{c} = weight_quad(w{c} + k / 4u + {q}u);
      // #end
      // #repeat r ROWS
      {
        let a = x[x{r} + own];
        // #repeat i 4
        {
          let s = subgroupBroadcast(a, {q}u * 4u + {i}u);
          // #repeat c COLUMNS
          y{r}_{c} = fma(s, b{c}[{i}], y{r}_{c});
          // #end
        }
        // #end
      }
      // #end
    }
    // #end
  }
  // #repeat r ROWS
  // #repeat c COLUMNS
  store(row + {r}u, column + {c}u * LANES, y{r}_{c});
  // #end
  // #end
}
