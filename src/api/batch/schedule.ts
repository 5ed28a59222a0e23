/** The fields of a schedule in the form of crontab(5), with the bounds and names that the usual Go parser takes. */
const fields = [
  { name: "minute", min: 0, max: 59, names: [] },
  { name: "hour", min: 0, max: 23, names: [] },
  { name: "day of month", min: 1, max: 31, names: [] },
  { name: "month", min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { name: "day of week", min: 0, max: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
] as const;
const descriptors: readonly string[] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
const durationPattern = /^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+$/;

function rangeProblem(text: string, { min, max, names }: (typeof fields)[number]): string | undefined {
  const [span = "", step, ...more] = text.split("/");
  const [low = "", high, ...rest] = span.split("-");
  if (more.length > 0) return `too many slashes: ${text}`;
  if (rest.length > 0) return `too many hyphens: ${text}`;
  const numberOf = (part: string): number => {
    const index = (names as readonly string[]).indexOf(part.toLowerCase());
    return index >= 0 ? index + min : /^[0-9]+$/.test(part) ? Number(part) : Number.NaN;
  };
  const wildcard = low === "*" || low === "?";
  const [start, end] = wildcard ? [min, max] : [numberOf(low), high === undefined ? numberOf(low) : numberOf(high)];
  for (const [part, value] of [[low, start], [high ?? low, end]] as const) {
    if (Number.isNaN(value)) return `failed to parse int from ${part}: strconv.Atoi: parsing ${JSON.stringify(part)}: invalid syntax`;
  }
  if (step !== undefined && !/^[0-9]+$/.test(step)) return `failed to parse int from ${step}: strconv.Atoi: parsing ${JSON.stringify(step)}: invalid syntax`;
  if (start < min) return `beginning of range (${start}) below minimum (${min}): ${text}`;
  if (end > max) return `end of range (${end}) above maximum (${max}): ${text}`;
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`;
  return step !== undefined && Number(step) === 0 ? `step of range should be a positive number: ${text}` : undefined;
}

/** What is wrong with a schedule: "*\/5 * * * *", "@daily", "@every 1h". */
export function scheduleProblem(schedule: string): string | undefined {
  const text = schedule.replace(/^(?:CRON_)?TZ=\S+\s+/, "");
  if (text.startsWith("@")) {
    if (descriptors.includes(text)) return undefined;
    if (!text.startsWith("@every ")) return `unrecognized descriptor: ${text}`;
    return durationPattern.test(text.slice("@every ".length)) ? undefined : `failed to parse duration ${text}: time: invalid duration ${JSON.stringify(text.slice("@every ".length))}`;
  }
  const parts = text.trim().split(/\s+/).filter((part) => part !== "");
  if (parts.length !== fields.length) return `expected exactly ${fields.length} fields, found ${parts.length}: [${parts.join(" ")}]`;
  for (const [index, field] of fields.entries()) {
    for (const range of (parts[index] ?? "").split(",")) {
      const problem = rangeProblem(range, field);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}
