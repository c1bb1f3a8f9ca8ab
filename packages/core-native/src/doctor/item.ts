/** One thing that `doctor` looked at. */
export interface DoctorItem {
  /** e.g. "node", "libtorch", "disk". */
  readonly name: string;
  /** "warn": works, and worth knowing. "fail": saev cannot work until it is mended. */
  readonly status: "ok" | "warn" | "fail";
  /** What was found, one line. */
  readonly detail: string;
  /** What to do; present when the status is not "ok". */
  readonly remedy?: string;
}

export const ok = (name: string, detail: string): DoctorItem => ({ name, status: "ok", detail });
export const warn = (name: string, detail: string, remedy: string): DoctorItem => ({
  name,
  status: "warn",
  detail,
  remedy,
});
export const fail = (name: string, detail: string, remedy: string): DoctorItem => ({
  name,
  status: "fail",
  detail,
  remedy,
});
