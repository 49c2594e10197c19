#!/bin/sh
# A shell pipeline that runs for ever: numbers go through three processes, and the last one wants each exactly once.
#   pipeline.sh DIR      DIR/count.log gets one line for each number, DIR/bad one for each number that is wrong
dir=$1
n=0
while :; do
    n=$((n + 1))
    echo "$n"
    sleep 0.05
done | sed -u 's/^/n=/' | {
    expected=1
    while IFS== read -r _ value; do
        [ "$value" = "$expected" ] || echo "$value instead of $expected" >>"$dir/bad"
        expected=$((value + 1))
        echo "$value"
    done
} >>"$dir/count.log"
