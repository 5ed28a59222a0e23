/** Replaces $(NAME) by what `lookup` says; $$ is a dollar sign, and what has no value stays as it is written. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(\$|\(([^)]*)\))/g, (whole, rest: string, name: string | undefined) => (rest === "$" ? "$" : (lookup(name ?? "") ?? whole)));
}
