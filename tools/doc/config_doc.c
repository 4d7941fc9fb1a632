// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints flowgauge.conf(5): the statements out of the table of the language,
 * the fields out of fields.def, the predefined records. Only what no table
 * says is written here. A test holds man/flowgauge.conf.5 against it.
 */
#include <stdio.h>
#include <string.h>

#include "config/argument.h"
#include "config/config.h"
#include "config/spelling.h"

/* Text as roff takes it: no request, no escape, hyphens that can be copied. */
static void put_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", f);
		else if (*text == '-')
			fputs("\\-", f);
		else if (*text == '\'' || *text == '`')
			fputs("\\(aq", f);
		else
			fputc(*text, f);
	}
}

/* A term and what it means. */
static void put_item(FILE *f, const char *term, const char *meaning)
{
	fputs(".TP\n.B \"", f);
	put_text(f, term);
	fputs("\"\n", f);
	put_text(f, meaning);
	fputs(".\n", f);
}

static const char head[] =
	".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	".\\\" Printed by tools/doc/config_doc.c: change the tables, not this page.\n"
	".TH FLOWGAUGE.CONF 5 \"\" flowgauge \"File formats\"\n"
	".SH NAME\n"
	"flowgauge.conf \\- what flowgauged meters, and where it exports it\n"
	".SH SYNOPSIS\n"
	"/etc/flowgauge/flowgauge.conf\n"
	".SH DESCRIPTION\n"
	"The language is that of Flexible NetFlow on Cisco routers: one statement a line. A header\n"
	"(\\fBflow record\\fR, \\fBflow exporter\\fR, \\fBsampler\\fR, \\fBapplication\\fR,\n"
	"\\fBflow monitor\\fR, \\fBinterface\\fR) opens what it names; \\fBexit\\fR, a \\fB!\\fR alone on its line, or the next\n"
	"header closes it.\n"
	"Indentation is free. The words of the language may be in any case, and abbreviated as\n"
	"long as they are clear.\n"
	".PP\n"
	"\\fB!\\fR or \\fB#\\fR begins a comment, at the beginning of a line or of a word; not so\n"
	"in a text that runs to the end of the line, such as a description.\n"
	".PP\n"
	"\\fBno\\fR before a statement undoes it. Names may be used before they are defined: the\n"
	"file is checked as a whole, and taken as a whole or not at all. An error names the line,\n"
	"the words at fault, and what would have been accepted.\n"
	".PP\n"
	"A file has at most 4 MiB, a line 4096 octets and 64 words. Text is UTF\\-8.\n"
	".PP\n"
	"\\fBflowctl config check\\fR \\fIFILE\\fR says whether a file is right.\n";

static const char routers[] =
	".SH CONFIGURATIONS OF ROUTERS\n"
	"\\fBflowctl shell\\fR takes what is pasted from a router. Statements that say nothing of flows, as\n"
	"\\fBhostname\\fR or \\fBip address\\fR, are named there and left out, with all that stands below\n"
	"them; in a file they are errors, which say the same. Those of traditional NetFlow, as \\fBip\n"
	"flow\\-export\\fR, are errors that say how it is said here. \\fBmatch transport tcp flags syn\n"
	"fin\\fR is a line for each flag.\n"
	".PP\n"
	"These are understood as well:\n";

static const char interfaces[] =
	".SH INTERFACES\n"
	"Several sections can fit an interface: the one of its very name, and those whose pattern fits.\n"
	"The monitors of all of them meter it. Where two attach the same monitor for the same family and direction,\n"
	"sampler and tunnel are those of the exact name, else those of the pattern that comes first.\n"
	"\\fBflow hook\\fR, \\fBflow tunnel\\fR and \\fBflow timestamp\\fR below the exact name hold for all of\n"
	"them; what it does not say, the first section says that fits, and of tunnels that of the monitor's line. \\fBflow patterns ignore\\fR below the\n"
	"exact name makes an exception of it: then nothing counts but what stands there.\n"
	"\\fBflowctl interface detach\\fR writes that, where a pattern meters the interface, and what is to stay\n"
	"of the pattern's monitors.\n"
	".PP\n"
	"Monitors with \\fBtunnel outer\\fR and with \\fBtunnel inner\\fR at one interface and direction take a program\n"
	"each, and two of the attachments of \\fBflowgauged \\-\\-attachments\\fR. XDP has room for one of them, so\n"
	"\\fBflow hook xdp\\fR is an error there, and a sampler of both cannot be \\fBdeterministic\\fR.\n";

static const char sampling[] =
	".SH SAMPLING\n"
	"A sampler decides which packets are counted at all. It belongs to the attachment of a monitor\n"
	"to an interface, and is asked only for packets of the family that is attached. Monitors of one\n"
	"interface can have different samplers or none: each gets what its own selects. One sampler at\n"
	"several interfaces sees the packets of all of them. The segments of a super-packet are sampled\n"
	"as the packets that they are on the wire. \\fBdeterministic\\fR and \\fBrandom\\fR go by what\n"
	"each CPU sees, \\fBdeterministic\\fR besides by interface and direction: a packet that comes in\n"
	"here and goes out there has the same chance at both. Where a packet is seen at more than two\n"
	"places (a bridge and its ports), \\fBrandom\\fR is the better choice.\n"
	".PP\n"
	"A sampler has a number (\\fBflowctl sampler show\\fR), which flows carry as samplerId (\\fBmatch\n"
	"flow sampler\\fR, part of the predefined records) and collectors are told with its rate. It\n"
	"keeps the number and its counts when the agent starts again; defined otherwise it is another\n"
	"sampler with another number. Numbers go to 15, and that of a sampler that is used no more\n"
	"comes free after some seconds: a configuration that needs more at once is refused.\n";

static const char derived[] =
	".SH ROUTES, INTERFACES, APPLICATIONS\n"
	"Masks, prefixes and next hops are those of the kernel's routing tables at the time when a flow\n"
	"enters a cache. Tables are asked as the rules of a system without policy routing have it: that\n"
	"of the VRF of the interface at which the flow was metered, then local, main and default.\n"
	"Routes for a type of service are left out. An address without a route has mask 0, and belongs\n"
	"to the prefix 0.0.0.0 or ::. A destination that is connected, local or unreachable has next\n"
	"hop 0.0.0.0 or ::, and so has an IPv4 one whose next hop has an IPv6 address; of several next\n"
	"hops the first is told.\n"
	".PP\n"
	"A record that matches a prefix, and not the address, has one flow for all addresses of it:\n"
	"then there is no address to collect. AS numbers are those of \\fBflow as\\-table\\fR; without it,\n"
	"and for a prefix that it has not, they are 0.\n"
	".PP\n"
	"A VRF is told by the ifindex of its device, 0 outside of any. The physical interface is what\n"
	"an interface lies upon in the end (the Ethernet device below a VLAN), or itself: a bond or a\n"
	"bridge has several below, so it is its own.\n"
	".PP\n"
	"The forwarding status is 64, forwarded, of what was seen to go out. It is 0, not known, of what\n"
	"came in: packets are counted before netfilter and routing, which may drop, translate, forward\n"
	"or deliver them.\n"
	".PP\n"
	"Applications are known by port: those of /etc/services, and those that \\fBapplication\\fR\n"
	"names. A configured one wins; else the application is that of the lower of two known ports. The\n"
	"number says where it is from (RFC 6759): 1 in the highest octet and the protocol below for\n"
	"protocols without ports, 3 and the port, 6 and protocol * 65536 + port of the first\n"
	"\\fBtransport\\fR line of what is configured. 0 is not known. Names are told to collectors that\n"
	"have \\fBoption application\\-table\\fR.\n";

static const char fields[] =
	".PP\n"
	"\\fBcounter flows\\fR counts the flows that a record merges into one: flows that differ by\n"
	"addresses, ports, protocol, type of service or input interface. A flow that goes on is counted\n"
	"once, where it began; it is a new one when it was silent for the inactive timeout of the\n"
	"monitor. The agent remembers four flows an entry of the cache (\\fBcache entries\\fR), at least\n"
	"65536; where there are more, those that were silent longest are forgotten and may be counted\n"
	"again (\\fBflowctl monitor show\\fR says how many were). After a restart of the agent each flow\n"
	"that goes on is counted once more. A connection that is opened anew with the same ports within\n"
	"the timeout is not told from the one before.\n"
	".PP\n"
	"What IANA has no element for goes out under the private enterprise number %d in IPFIX, which is\n"
	"nobody's: it is set aside for documentation (RFC 5612). Version 9 knows no enterprises: there\n"
	"such elements are types from %d on. Collectors need to be told of both; \\fBflowctl listen\\fR\n"
	"knows them.\n"
	".PP\n"
	"What only output has is 0 in flows that are metered on input, and a record with such a field\n"
	"tells the two apart. Counters of output are those of the flow: a record has the one or the\n"
	"other, as collectors add them up.\n";

static const char tail[] = ".SH FILES\n"
			   "/etc/flowgauge/flowgauge.conf\n"
			   ".SH SEE ALSO\n"
			   ".BR flowctl (8)\n";

static void put_statements(FILE *f)
{
	const char *mode, *help, *words, *last = NULL;
	unsigned int i;

	fputs(".SH STATEMENTS\n"
	      "In the words of a statement, {a|b} is one of these, <1\\-255> a number of that range,\n"
	      "<name> an argument, and what is in [ ] may be left out.\n",
	      f);
	for (i = 0; (words = config_command_words(i, &mode, &help)); i++) {
		if (!last || strcmp(last, mode))
			fprintf(f, ".SS %s%s\n",
				*mode ? "Below " :
				last  ? "Anywhere" :
					"Headers",
				mode);
		last = mode;
		put_item(f, words, help);
	}
}

static void join(const char *const *words, char *text, size_t size)
{
	size_t n = 0;
	int i;

	text[0] = '\0';
	for (i = 0; i < SPELLING_WORDS_MAX && words[i]; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " " : "", words[i]);
}

static void put_spellings(FILE *f)
{
	char typed[128], meant[64], meaning[96];
	const struct spelling *s;

	fputs(routers, f);
	for (s = spellings; s->typed[0]; s++) {
		join(s->typed, typed, sizeof(typed));
		join(s->meant, meant, sizeof(meant));
		snprintf(meaning, sizeof(meaning), "%s%s%s",
			 *meant ? "`" : "nothing: it is so anyway", meant, *meant ? "`" : "");
		strcat(typed, s->of_field ? " (of a field)" : "");
		put_item(f, typed, meaning);
	}
}

static void put_arguments(FILE *f)
{
	const char *kind, *help;
	char term[32];
	unsigned int i;

	fputs(".SH ARGUMENTS\n", f);
	for (i = 0; (kind = argument_kind(i, &help)); i++) {
		snprintf(term, sizeof(term), "<%s>", kind);
		put_item(f, term, help);
	}
}

static void put_field(FILE *f, const struct field *field)
{
	static const char *const families[] = { "", ", IPv4 only", ", IPv6 only" };
	char meaning[256];

	snprintf(meaning, sizeof(meaning), "%s: %s (%u in IPFIX, %u in version 9), %u octets%s%s",
		 field->help, field->name, field->ie, field->v9_type, field->wire_length,
		 families[field->family], field->role == FIELD_VALUE ? "; collect only" : "");
	put_item(f, field->words, meaning);
}

static void put_fields(FILE *f)
{
	unsigned int i;

	fputs(".SH FIELDS\nThe order of the lines is the order in the template, match before "
	      "collect.\n"
	      ".PP\nThere are no droppedOctetDeltaCount and droppedPacketDeltaCount (132, 133): a packet is\n"
	      "metered before anything could drop it, or when it leaves, and metering drops none. What could\n"
	      "not be counted to a flow is in \\fBflowctl stats\\fR, by reason, and in the reliability options.\n",
	      f);
	fprintf(f, fields, FIELD_ENTERPRISE, FIELD_PRIVATE_V9);
	for (i = 0; i < FIELD_ID_MAX; i++)
		put_field(f, field_get((enum field_id)i));
}

static void put_records(FILE *f)
{
	unsigned int i;

	fputs(".SH RECORDS\nThe predefined ones.\n", f);
	for (i = 0; predefined_name(i); i++)
		put_item(f, predefined_name(i), predefined_description(i));
}

static void print_manual(FILE *f)
{
	fputs(head, f);
	put_statements(f);
	put_spellings(f);
	fputs(interfaces, f);
	fputs(sampling, f);
	fputs(derived, f);
	put_arguments(f);
	put_fields(f);
	put_records(f);
	fputs(tail, f);
}

int main(void)
{
	print_manual(stdout);
	return fflush(stdout) ? 1 : 0;
}
