/** The first three numbers of an IPv4 address, like 192.168.56. */
export function isSubnet(value: unknown): value is string {
  return typeof value === 'string' && /^\d{1,3}(\.\d{1,3}){2}$/.test(value) && areOctets(value);
}

/** An IPv4 network like 192.168.1.0/24. */
export function isCidr(value: unknown): value is string {
  if (typeof value !== 'string' || !/^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/.test(value)) return false;
  const [address = '', length] = value.split('/');
  return areOctets(address) && Number(length) <= 32;
}

function areOctets(address: string): boolean {
  return address.split('.').every((number) => Number(number) < 256);
}
