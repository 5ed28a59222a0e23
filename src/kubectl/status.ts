import { StatusError } from "../apimachinery/status-error.ts";

export const isForbidden = (error: unknown): boolean => error instanceof StatusError && error.reason === "Forbidden";
export const isMethodNotAllowed = (error: unknown): boolean => error instanceof StatusError && error.reason === "MethodNotAllowed";
