// Timers, a server on loopback asked over one connection that is kept, threads that compute: "tick N connections 1 errors 0".
'use strict';
const http = require('http');
const { createHash } = require('crypto');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');

const next = (chain, n) => createHash('sha256').update(`${chain} ${n}`).digest('hex');

if (!isMainThread) {
    let chain = '';
    let n = 0;
    setInterval(() => { chain = next(chain, ++n + workerData); parentPort.postMessage({ n, chain }); }, 10);
} else {
    let errors = 0;
    let connections = 0;
    let tick = 0;
    const check = (right, what) => { if (!right) { errors++; console.log(`FAILED ${what}`); } };

    const threads = [0, 1000].map(offset => {
        const state = { n: 0, chain: '' };
        const worker = new Worker(__filename, { workerData: offset });
        worker.on('message', message => {
            state.chain = next(state.chain, ++state.n + offset);
            check(message.n === state.n && message.chain === state.chain, 'thread');
        });
        worker.on('error', error => check(false, error));
        return state;
    });

    const server = http.createServer((request, response) => {
        let body = '';
        request.on('data', data => { body += data; });
        request.on('end', () => response.end(next(body, 1)));
    });
    server.keepAliveTimeout = 0;
    server.on('connection', () => { connections++; });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    server.listen(8080, '0.0.0.0', () => setInterval(() => {
        const question = `question ${tick}`;
        const request = http.request({ port: 8080, host: '127.0.0.1', method: 'POST', agent }, response => {
            let answer = '';
            response.on('data', data => { answer += data; });
            response.on('end', () => {
                check(answer === next(question, 1), 'answer');
                check(threads.every(state => tick < 100 || state.n > 0), 'threads stand still');
                console.log(`tick ${++tick} connections ${connections} errors ${errors}`);
            });
        });
        request.on('error', error => check(false, error));
        request.end(question);
    }, 50));
    process.on('SIGTERM', () => { console.log(`ended ${threads.map(state => state.n > 0)}`); process.exit(7); });
}
