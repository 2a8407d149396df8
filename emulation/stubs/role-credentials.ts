/**
 * Credentials under which a stub acts for a role, as the service does that assumes it. The emulators verify no signatures; the
 * session token tells whose request it is, as it does for functions.
 */
export function roleCredentials(role: string) {
  return { accessKeyId: "test", secretAccessKey: "test", sessionToken: role };
}
