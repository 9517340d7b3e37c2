// y[m, n] = alpha * sum_{k < span} x[m, first + k] * w[k, n] (added onto y when ACCUMULATE)          (NN: dX of a linear layer)
// x: [M, K], w: [span, N] in f32. Tiles and loads are those of subgroup_nt.
// Params: product_params. Constants: LANES, ROWS, COLUMNS, SUBGROUP, PARTS * HOISTED = SUBGROUP, TAIL = span mod SUBGROUP, ACCUMULATE.
enable subgroups;
// #include "product_params"
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@group(0) @binding(3) var<uniform> params: Params;

fn store(row: u32, n: u32, value: f32) {
  if (row >= params.rows || n >= params.quads * 4u) { return; }
  let at = row * params.quads * 4u + n;
  if (ACCUMULATE == 1u) { y[at] += value * params.alpha; } else { y[at] = value * params.alpha; }
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
  let columns = params.quads * 4u;
  let span = params.span;
  // #repeat r ROWS
  let x{r} = min(row + {r}u, last) * params.inner + params.first;
  // #repeat c COLUMNS
  var y{r}_{c} = 0f;
  // #end
  // #end
  // #repeat c COLUMNS
  let w{c} = min(column + {c}u * LANES, columns - 1u);
  // #end
  for (var k = 0u; k + SUBGROUP <= span; k += SUBGROUP) {
    // #repeat r ROWS
    let a{r} = x[x{r} + k + peer];
    // #end
    // #repeat h PARTS
    {
      // #repeat i HOISTED
      // #repeat c COLUMNS
      let b{i}_{c} = w[(k + {h}u * HOISTED + {i}u) * columns + w{c}];
      // #end
      // #end
      // #repeat r ROWS
      // #repeat i HOISTED
      {
        let s = subgroupBroadcast(a{r}, {h}u * HOISTED + {i}u);
        // #repeat c COLUMNS
        y{r}_{c} = fma(s, b{i}_{c}, y{r}_{c});
        // #end
      }
      // #end
      // #end
    }
    // #end
  }
  {
    let k = span / SUBGROUP * SUBGROUP;
    let own = min(k + peer, span - 1u);
    // #repeat i TAIL
    {
      // #repeat c COLUMNS
      let b{c} = w[(k + {i}u) * columns + w{c}];
      // #end
      // #repeat r ROWS
      {
        let s = subgroupBroadcast(x[x{r} + own], {i}u);
        // #repeat c COLUMNS
        y{r}_{c} = fma(s, b{c}, y{r}_{c});
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
