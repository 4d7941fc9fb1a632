# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads IPFIX messages, one a line in hex, of one transport session. RFC 7011
# section 3.1: a message's sequence number is the number of data records, those
# of options included and templates not, sent before it. Prints each message
# where that is not so, and each set whose template was not seen before.

function number(at, octets,    i, n) {
	n = 0
	for (i = 0; i < 2 * octets; i++)
		n = n * 16 + index("0123456789abcdef", substr($1, 2 * at + 1 + i, 1)) - 1
	return n
}

# Note the record lengths of a set of templates; options: with a scope count.
function read_templates(at, end, options,    id, fields, length_, element) {
	while (at + 4 <= end) {
		id = number(at, 2)
		fields = number(at + 2, 2)
		at += options ? 6 : 4
		for (length_ = 0; fields > 0; fields--) {
			element = number(at, 2)
			length_ += number(at + 2, 2)
			at += element >= 32768 ? 8 : 4
		}
		record[id] = length_
	}
}

{
	total = number(2, 2)
	sequence = number(8, 4)
	if (number(0, 2) != 10 || length($1) != 2 * total)
		print "message " NR ": version " number(0, 2) ", length " total " in a datagram of " length($1) / 2
	if (NR > 1 && sequence != expected)
		print "message " NR ": sequence " sequence " instead of " expected
	records = 0
	for (at = 16; at + 4 <= total; at += size) {
		id = number(at, 2)
		size = number(at + 2, 2)
		if (size < 4 || at + size > total) {
			print "message " NR ": set " id " of " size " octets"
			break
		}
		if (id == 2 || id == 3)
			read_templates(at + 4, at + size, id == 3)
		else if (!(id in record))
			print "message " NR ": set " id " before its template"
		else
			records += int((size - 4) / record[id])
	}
	if (at != total)
		print "message " NR ": octets behind the last set"
	expected = (sequence + records) % 4294967296
	messages++
}

END {
	if (!messages)
		print "no message"
}
