# SPDX-License-Identifier: GPL-3.0-or-later
#
# What a shell needs to complete command lines of acsmtp: the file of that name beside this
# one, in which a line @WORD@ is replaced by what the tables of the program say.
#
#	acsmtp help tables | awk -v from=DIRECTORY -v shell=bash|zsh|fish -f generate.awk
#
# A row of the tables has tabs between its columns:
#	command	WORD SUB ARGUMENTS HELP
#	flag	COMMAND NAME VALUE HELP		of the command before; no VALUE: a switch
#	option	SPELLING VALUE HELP		of sendmail; VALUE only if it may be the next word
#	format	NAME				of the files that can be imported

BEGIN { FS = "\t" }

$1 == "command" {
	place[++commands] = $2 ($3 == "" ? "" : " " $3)
	word[commands] = $2
	sub_word[commands] = $3
	arguments[commands] = $4
	help[commands] = $5
	if (!($2 in first)) {
		first[$2] = commands
		if ($3 != "")
			subs = subs " " $2
	}
	if ($4 ~ /OPTION/)
		sendmail = sendmail " " $2
}
$1 == "flag" {
	flag_place[++flags] = $2
	flag[flags] = $3
	value[flags] = $4
	flag_help[flags] = $5
}
$1 == "option" {
	option[++options] = "-" $2
	takes[options] = $3
	option_help[options] = $4
}
$1 == "format" { formats = formats " " $2 }

END {
	subs = substr(subs, 2)
	sendmail = substr(sendmail, 2)
	fill_in(from "/" shell)
}

function fill_in(file,    line) {
	while ((getline line < file) > 0) {
		if (line == "@sh@")
			fill_in(from "/sh")
		else if (line == "@values@")
			values()
		else if (line == "@places@")
			places()
		else if (line == "@rows@")
			rows()
		else {
			gsub(/@subs@/, subs, line)
			gsub(/@sendmail@/, sendmail, line)
			gsub(/@subs[|]@/, joined(subs), line)
			gsub(/@sendmail[|]@/, joined("send " sendmail), line)
			print line
		}
	}
}

function joined(words) {
	gsub(/ /, "|", words)
	return words
}

# --- what may come in a place, from what a value or an argument is called

function expected(usage) {
	if (usage ~ /ACCOUNT/)
		return "accounts"
	if (usage ~ /FILE/)
		return "files"
	if (index(usage, "ID|PATTERN") > 0)
		return "messages"
	return "nothing"
}

# Those that are in small letters are typed as they stand there.
function expected_or_words(usage,    words) {
	if (usage ~ /OPTION/ || expected(usage) != "nothing")
		return expected(usage)
	words = literal(usage)
	return words == "" ? "nothing" : "words " words
}

function literal(usage,    pieces, n, i, words) {
	n = split(usage, pieces, /[][|. ]+/)
	for (i = 1; i <= n; i++)
		if (pieces[i] ~ /^[a-z]/)
			words = words " " pieces[i]
	return substr(words, 2)
}

function expected_of_flag(i) {
	return flag[i] == "format" ? "words" formats : expected_or_words(value[i])
}

# --- bash and zsh: one `case` for the values of flags, one for places

function values(    i) {
	for (i = 1; i <= flags; i++)
		if (value[i] != "")
			value_case(flag_place[i] " --" flag[i], expected_of_flag(i))
	for (i = 1; i <= options; i++)
		if (takes[i] != "")
			value_case("send " option[i], expected(takes[i]))
}

function value_case(what, expects) {
	printf "\t'%s') expects='%s' ;;\n", what, expects
}

function places(    i, n) {
	begin_place("")
	offer("send", "what follows is as for sendmail")
	for (i = 1; i <= commands; i++)
		if (first[word[i]] == i)
			offer(word[i], sub_word[i] == "" ? help[i] : "")
	end_place("nothing")
	begin_place("send")
	for (i = 1; i <= options; i++)
		offer(option[i], option_help[i])
	end_place("nothing")
	for (i = 1; i <= commands; i++)
		if (first[word[i]] == i && sub_word[i] != "")
			place_of_subs(word[i])
	for (i = 1; i <= commands; i++)
		place_of(i)
}

function place_of_subs(name,    i) {
	begin_place(name)
	for (i = 1; i <= commands; i++)
		if (word[i] == name)
			offer(sub_word[i], help[i])
	end_place("nothing")
}

function place_of(n,    i) {
	begin_place(place[n])
	for (i = 1; i <= flags; i++)
		if (flag_place[i] == place[n])
			offer("--" flag[i], flag_help[i])
	offer("--help", "how it is used")
	end_place(expected_or_words(arguments[n]))
}

function begin_place(name) {
	printf "\t'%s')\n\t\tfound=(", name
}

function end_place(expects) {
	printf ")\n\t\texpects='%s' ;;\n", expects
}

# One of what may come; for _describe of zsh, where a colon ends the word.
function offer(name, meaning) {
	if (shell == "zsh") {
		name = name (meaning == "" ? "" : ":" meaning)
		gsub(/'/, "'\\''", name)
		name = "'" name "'"
	}
	printf "\n\t\t%s", name
}

# --- fish: a command for each word, with the place that it belongs to

function rows(    i) {
	row("start", " -a send", "what follows is as for sendmail")
	for (i = 1; i <= commands; i++)
		if (first[word[i]] == i)
			row("start", " -a " word[i], sub_word[i] == "" ? help[i] : "")
	for (i = 1; i <= commands; i++) {
		if (sub_word[i] != "")
			row(word[i], " -a " sub_word[i], help[i])
		rows_of(i)
	}
	for (i = 1; i <= options; i++)
		row("send", spelt(option[i]) valued(takes[i], expected(takes[i])),
		    option_help[i])
}

function rows_of(n,    i, expects) {
	for (i = 1; i <= flags; i++)
		if (flag_place[i] == place[n])
			row(place[n], " -l " flag[i] valued(value[i], expected_of_flag(i)),
			    flag_help[i])
	row(place[n], " -l help", "how it is used")
	expects = expected_or_words(arguments[n])
	if (expects != "nothing")
		row(place[n], listed(expects), "")
}

function spelt(name) {
	if (name ~ /^--/)
		return " -l " substr(name, 3)
	return (length(name) == 2 ? " -s '" : " -o '") substr(name, 2) "'"
}

# Files are off for all of acsmtp: on again where -F says so.
function valued(name, expects) {
	if (name == "")
		return ""
	return (expects == "files" ? " -r" : " -x") listed(expects)
}

function listed(expects) {
	if (expects == "files")
		return " -F"
	if (expects == "accounts" || expects == "messages")
		return " -a '(__acsmtp_" expects ")'"
	return expects ~ /^words / ? " -a '" substr(expects, 7) "'" : ""
}

function row(where, what, meaning) {
	gsub(/[\\']/, "\\\\&", meaning)
	printf "complete -c acsmtp -n '__acsmtp_is \"%s\"'%s%s\n", where, what,
	       meaning == "" ? "" : " -d '" meaning "'"
}
