import { invalid, type FieldError } from "../../apimachinery/field-error.ts";
import { isLinkLocalMulticast, isLinkLocalUnicast, isLoopback, isUnspecified, parseIpSloppy } from "../../stdx/ip.ts";

/** Addresses that traffic may be sent to: not those that mean the sender's own machine or link. */
export function validateEndpointIp(text: string, path: string): readonly FieldError[] {
  const ip = parseIpSloppy(text);
  if (ip === undefined) return [invalid(path, text, "must be a valid IP address")];
  const errors: FieldError[] = [];
  if (isUnspecified(ip)) errors.push(invalid(path, text, `may not be unspecified (${text})`));
  if (isLoopback(ip)) errors.push(invalid(path, text, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
  if (isLinkLocalUnicast(ip)) errors.push(invalid(path, text, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
  if (isLinkLocalMulticast(ip)) errors.push(invalid(path, text, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
  return errors;
}
