// Operands of subgroup matrices, rounded to half precision.
enable f16;
alias Element = f16;
alias ElementQuad = vec4<f16>;
